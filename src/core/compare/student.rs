//! Student's t: how far a mean may be from the truth, by how few values it is of.

/// An interval that holds the true mean with this confidence: mean, low and high.
///
/// `None` for fewer than two values, of which nobody knows how far they spread.
pub fn interval(values: &[f64], confidence: f64) -> Option<(f64, f64)> {
    let count = values.len() as f64;
    if values.len() < 2 {
        return None;
    }
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let error = (squares / (count - 1.0) / count).sqrt();
    let half = error * quantile(0.5 + confidence / 2.0, count - 1.0);
    Some((mean - half, mean + half))
}

/// The mean; of nothing it is nothing.
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// The value that so much of the distribution with so many degrees of freedom is below; for shares from a half on.
fn quantile(share: f64, freedom: f64) -> f64 {
    let above = |t: f64| 0.5 * beta(freedom / 2.0, 0.5, freedom / (freedom + t * t));
    let (mut low, mut high) = (0.0, 1.0);
    while above(high) > 1.0 - share && high < 1e12 {
        high *= 2.0;
    }
    // Each step halves the interval: there is no need for more than a double has digits.
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if above(middle) > 1.0 - share {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

/// The regularized incomplete beta function, by its continued fraction (Lentz).
fn beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    let front = (gamma(a + b) - gamma(a) - gamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(a, b, x) / a
    } else {
        1.0 - front * fraction(b, a, 1.0 - x) / b
    }
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let whole = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / whole(1.0 - (a + b) * x / (a + 1.0));
    let mut result = d;
    for step in 1..500 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        for term in [even, odd] {
            d = 1.0 / whole(1.0 + term * d);
            c = whole(1.0 + term / c);
            result *= c * d;
        }
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    result
}

/// The logarithm of the gamma function, by Lanczos' approximation.
fn gamma(x: f64) -> f64 {
    const TERMS: [f64; 6] = [
        76.180_091_729_471_46,
        -86.505_320_329_416_77,
        24.014_098_240_830_91,
        -1.231_739_572_450_155,
        0.120_865_097_386_617_9e-2,
        -0.539_523_938_495_3e-5,
    ];
    let base = x + 5.5;
    let sum: f64 =
        TERMS.iter().zip(1..).map(|(term, at)| term / (x + f64::from(at))).sum::<f64>() + 1.000_000_000_190_015;
    (x + 0.5) * base.ln() - base + (2.506_628_274_631_000_5 * sum / x).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_printed_tables() {
        for (share, freedom, expected) in [
            (0.975, 1.0, 12.706),
            (0.975, 2.0, 4.303),
            (0.975, 4.0, 2.776),
            (0.975, 10.0, 2.228),
            (0.975, 30.0, 2.042),
            (0.975, 1000.0, 1.962),
            (0.995, 4.0, 4.604),
            (0.95, 9.0, 1.833),
        ] {
            let found = quantile(share, freedom);
            assert!((found - expected).abs() < 6e-4, "{share} {freedom}: {found}");
        }
    }

    #[test]
    fn an_interval_is_around_the_mean_and_one_value_has_none() {
        assert_eq!(interval(&[1.0], 0.95), None);
        assert_eq!(interval(&[2.0, 2.0, 2.0], 0.95), Some((2.0, 2.0)));
        // By hand: mean 5, deviation 2, of 4 values: 5 +- 3.182 * 1.291.
        let (low, high) = interval(&[3.0, 5.0, 4.0, 8.0], 0.95).unwrap();
        assert!((low - 1.563).abs() < 1e-3 && (high - 8.437).abs() < 1e-3, "{low} {high}");
    }
}
