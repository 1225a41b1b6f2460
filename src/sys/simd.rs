//! Loops compiled for the widest vectors the machine has.
//!
//! The library is built for the oldest processors of its target; the few loops
//! that profit from wider registers are compiled a second time here.

/// A computation worth compiling for several instruction sets.
pub trait Kernel {
    /// What it computes.
    type Output;

    /// Does it, in plain Rust. Implementations are `#[inline(always)]`, and so
    /// is what they call: only what is inlined is compiled again.
    fn run(self) -> Self::Output;
}

/// Runs `kernel` as compiled for the best instruction set there is.
#[inline]
pub fn run<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, and that is all the function asks.
        return unsafe { avx2(kernel) };
    }
    kernel.run()
}

/// # Safety
/// The processor must have AVX2.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[target_feature(enable = "avx2")]
unsafe fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sum<'a>(&'a [u32]);

    impl Kernel for Sum<'_> {
        type Output = u32;

        #[inline(always)]
        fn run(self) -> u32 {
            self.0.iter().fold(0, |sum, value| sum.wrapping_add(*value))
        }
    }

    #[test]
    fn every_way_of_compiling_computes_the_same() {
        let numbers: Vec<u32> = (0..1000u32)
            .map(|n| n.wrapping_mul(0x9e37_79b9).rotate_left(n))
            .collect();
        assert_eq!(run(Sum(&numbers)), Sum(&numbers).run());
    }
}
