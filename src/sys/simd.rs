//! Run-time selection of the instruction set for vectorized loops.
//!
//! The library is compiled for the baseline CPU of its target. Loops that profit from
//! wider registers are compiled a second time, for AVX2, by [`run`].

/// A computation worth compiling for several instruction sets.
pub trait Kernel {
    /// The result.
    type Output;

    /// The computation, in portable Rust. Implementations and all they call are
    /// `#[inline(always)]`: only inlined code is compiled for the other instruction set.
    fn run(self) -> Self::Output;
}

/// Runs `kernel` as compiled for the best instruction set of this CPU.
#[inline]
pub fn run<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the function requires AVX2, which was detected.
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
