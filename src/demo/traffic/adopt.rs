//! Versions that the plan does not know: what was decided while the world went on. Start with [`Traffic::adopt`].

use super::Traffic;
use crate::demo::dice::Dice;
use crate::demo::models;
use crate::demo::world::Edition;
use crate::domain::prompt_file::PromptFile;

/// Share of a prompt's calls that follow a new recommendation.
const FOLLOW: f64 = 0.8;
/// How much more or less a version displeases that the plan does not know, in odds.
const PLEASES: [f64; 2] = [0.7, 1.05];

impl Traffic<'_> {
    /// From the next call on this version of its prompt is the active one, whatever the plan says. One that the plan
    /// does not know pleases a little more, or less, by the seed; where it recommends another model, most calls of
    /// the prompt alone follow.
    pub fn adopt(&mut self, file: &PromptFile) {
        let uri = file.uri.unversioned();
        let Some(p) = self.world.prompts.iter().position(|prompt| prompt.uri == uri) else { return };
        let Some(version) = file.uri.version.clone() else { return };
        let versions = &self.world.prompts[p].versions;
        let now = self.adopted[p].as_ref().unwrap_or(&versions[self.active[p]]);
        if now.version == version {
            return;
        }
        if let Some(planned) = versions.iter().position(|edition| edition.version == version) {
            (self.active[p], self.adopted[p]) = (planned, None);
        } else {
            let odds = now.odds
                * Dice::new(self.world.plan.seed, &file.uri.to_string()).between(PLEASES[0], PLEASES[1]);
            let tokens = file.text().len() as f64 / 4.0;
            let edition = Edition { version, published_at: 0, active_from: 0, odds, tokens };
            self.adopted[p] = Some(edition);
        }
        self.serve_anew(p);
        let other = file.model.as_deref().filter(|model| *model != self.world.prompts[p].recommended());
        if let Some(model) = other.and_then(models::by_name) {
            let world = self.world;
            for recipe in world.uses[p].iter().filter(|r| world.recipes[**r].prompts.last() == Some(&p)) {
                let shares = &mut self.serving[*recipe].models;
                let all: f64 = shares.iter().sum();
                for share in shares.iter_mut() {
                    *share *= 1.0 - FOLLOW;
                }
                shares[model] += FOLLOW * all;
            }
        }
    }
}
