//! Prints where the operands of operators, the guards and the patterns of match arms
//! are in a Rust file: a kind, and spans of four numbers each (line, column, and the
//! same of the end, from 1). `run.py` puts its switches there.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr};

struct Printer;

fn place(span: Span) -> String {
    let (from, to) = (span.start(), span.end());
    format!(
        "{} {} {} {}",
        from.line,
        from.column + 1,
        to.line,
        to.column + 1
    )
}

/// Part of a chain with `let`, which no parentheses can enclose.
fn has_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(pair) if matches!(pair.op, BinOp::And(_)) => {
            has_let(&pair.left) || has_let(&pair.right)
        }
        _ => false,
    }
}

impl<'a> Visit<'a> for Printer {
    fn visit_expr_binary(&mut self, expr: &'a syn::ExprBinary) {
        if !has_let(&expr.left) && !has_let(&expr.right) {
            println!("binary {} {}", place(expr.op.span()), place(expr.span()));
        }
        visit::visit_expr_binary(self, expr);
    }

    fn visit_expr_unary(&mut self, expr: &'a syn::ExprUnary) {
        println!("unary {} {}", place(expr.op.span()), place(expr.span()));
        visit::visit_expr_unary(self, expr);
    }

    fn visit_arm(&mut self, arm: &'a syn::Arm) {
        let (whole, pattern) = (place(arm.span()), place(arm.pat.span()));
        match &arm.guard {
            Some((_, guard)) if has_let(guard) => {}
            Some((_, guard)) => {
                let guard = place(guard.span());
                println!("guard {guard}");
                println!("arm {whole} {pattern} {guard}");
            }
            None => println!("arm {whole} {pattern}"),
        }
        visit::visit_arm(self, arm);
    }
}

fn main() {
    let path = std::env::args().nth(1).expect("a file");
    let text = std::fs::read_to_string(&path).expect("it can be read");
    Printer.visit_file(&syn::parse_file(&text).expect("it is Rust"));
}
