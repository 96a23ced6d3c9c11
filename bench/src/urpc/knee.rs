//! Where a curve stops rising, computed: nobody draws it.
//!
//! The model is a line up to the knee and no rise after it, y = a + b min(T, k). For each k, a and b are those of least
//! squares; the k with the least squares is the knee, the smallest of equals.

/// The knee of a curve, and how well the model fits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Knee {
    /// The last T up to which the curve rises: the first point's if it never does, the last one's if it never stops.
    pub(crate) at: f64,
    /// The share of the variance that the model explains; 1 if all of it, or if there is none.
    pub(crate) fit: f64,
}

/// The knee of `points`, in order of their x. `None`: fewer than three cannot have one.
pub(crate) fn knee(points: &[(f64, f64)]) -> Option<Knee> {
    if points.len() < 3 {
        return None;
    }
    let count = points.len() as f64;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let variance: f64 = points.iter().map(|(_, y)| (y - mean_y).powi(2)).sum();
    let mut best: Option<(f64, f64)> = None;
    for (k, _) in points {
        let mean_x = points.iter().map(|(x, _)| x.min(*k)).sum::<f64>() / count;
        let spread: f64 = points.iter().map(|(x, _)| (x.min(*k) - mean_x).powi(2)).sum();
        let both: f64 = points.iter().map(|(x, y)| (x.min(*k) - mean_x) * (y - mean_y)).sum();
        // Only what rises has a knee; all else is flat to the model.
        let slope = if spread > 0.0 { (both / spread).max(0.0) } else { 0.0 };
        let residual: f64 = points.iter().map(|(x, y)| (y - mean_y - slope * (x.min(*k) - mean_x)).powi(2)).sum();
        // Rounding must not make one of two equals the better.
        if best.is_none_or(|(_, least)| residual < least - 1e-9 * variance) {
            best = Some((*k, residual));
        }
    }
    let (at, residual) = best?;
    Some(Knee { at, fit: if variance > 0.0 { 1.0 - residual / variance } else { 1.0 } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(y: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        (1..=10).map(|t| (f64::from(t), y(f64::from(t)))).collect()
    }

    #[test]
    fn knees() {
        assert_eq!(knee(&curve(|t| 5.0 + 3.0 * t.min(4.0))).unwrap(), Knee { at: 4.0, fit: 1.0 });
        assert_eq!(knee(&curve(|t| t)).unwrap().at, 10.0, "it never stops");
        assert_eq!(knee(&curve(|_| 7.0)).unwrap(), Knee { at: 1.0, fit: 1.0 });
        assert_eq!(knee(&curve(|t| -t)).unwrap().at, 1.0, "it never rises");
        // What measurements do.
        let rough =
            knee(&curve(|t| 100.0 * t.min(2.0) + if (t as u32).is_multiple_of(2) { 3.0 } else { -3.0 })).unwrap();
        assert!(rough.at == 2.0 && rough.fit > 0.95, "{rough:?}");
        assert_eq!(knee(&curve(|t| t)[..2]), None);
    }
}
