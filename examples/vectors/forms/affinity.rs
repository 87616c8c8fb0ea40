//! Section 2: affinity and routing weights.

use human::engine::affinity::{self, Exchange, Observation, Worth};
use human::engine::stats::hierarchy::{self, CellPrior, Mass};
use human::engine::stats::preference;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Computed, args};

type Grid = Vec<Vec<f64>>;

/// Tables by prompt, then model.
#[derive(Deserialize)]
struct Table {
    k: Grid,
    n: Grid,
    succ: Grid,
    calls: Grid,
    cost: Grid,
    lat: Grid,
    conf: f64,
    base: Option<Grid>,
}

/// Computes the form, if it is one of these.
pub fn form(name: &str, input: &Value) -> Computed {
    if name != "affinity" {
        return Ok(None);
    }
    let table: Table = args(input)?;
    let cell = |p: usize, m: usize| Observation {
        feedback: Mass { k: table.k[p][m], n: table.n[p][m] },
        ok: table.succ[p][m],
        calls: table.calls[p][m],
        cost_usd: Some(table.cost[p][m]),
        latency_ms: Some(table.lat[p][m]),
    };
    let rows: Vec<Vec<Observation>> =
        (0..table.k.len()).map(|p| (0..table.k[p].len()).map(|m| cell(p, m)).collect()).collect();
    let masses: Vec<Vec<Mass>> = rows.iter().map(|row| row.iter().map(|o| o.feedback).collect()).collect();
    let fitted = hierarchy::fit(&masses);
    let worth = affinity::worth(&rows, Exchange::default());
    let chances: Grid = worth.iter().map(|row| affinity::probability_best(row)).collect();
    let weights: Grid = chances
        .iter()
        .enumerate()
        .map(|(p, row)| {
            let base = |m: usize| table.base.as_ref().map_or(1.0, |base| base[p][m]);
            preference::weights(&row.iter().enumerate().map(|(m, best)| (base(m), *best)).collect::<Vec<_>>())
        })
        .collect();
    let of =
        |f: &dyn Fn(&Worth) -> f64| -> Grid { worth.iter().map(|row| row.iter().map(f).collect()).collect() };
    let prior = |f: fn(&CellPrior) -> f64| -> Grid {
        fitted.priors.iter().map(|row| row.iter().map(f).collect()).collect()
    };
    Ok(Some(json!({
        "sP": fitted.prompt_spread, "sI": fitted.cell_spread,
        "prior_mean": prior(|p| p.mean), "kappa": prior(|p| p.strength),
        "D": of(&Worth::discount), "affinity": of(&Worth::score),
        "lo": of(&|w| w.interval(table.conf)[0]), "hi": of(&|w| w.interval(table.conf)[1]),
        "p_best": chances, "weight": weights,
    })))
}
