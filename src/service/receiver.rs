//! Intakes that begin again and again, one for each request: what they need to know of prompts and prices is kept
//! between them, and read anew when it may be another.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::Result;
use super::{Service, now};
use crate::intake::{Intake, Preparation};
use crate::store::Lookout;

/// How long prices are kept; a version that becomes active is known at once.
const PRICES: Duration = Duration::from_secs(5);

/// Where requests with telemetry come in.
pub struct Receiver {
    service: Arc<Service>,
    known: Mutex<(Lookout, Option<Known>)>,
}

struct Known {
    /// The newest activation that it knows of.
    activations: i64,
    read: Instant,
    preparation: Arc<Preparation>,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("service", &self.service).finish_non_exhaustive()
    }
}

impl Receiver {
    /// Into the store of `service`.
    pub fn new(service: Arc<Service>) -> Receiver {
        let known = Mutex::new((service.store.lookout(), None));
        Receiver { service, known }
    }

    /// Whose store it is.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Begins an intake.
    pub fn intake(&self) -> Result<Intake<'_>> {
        Ok(Intake::new(&self.service.store, self.preparation()?, now()))
    }

    fn preparation(&self) -> Result<Arc<Preparation>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (lookout, known) = &mut *known;
        let (reader, _) = lookout.view()?;
        let activations = reader.newest_activation()?;
        if let Some(known) = known
            && known.activations == activations
            && known.read.elapsed() < PRICES
        {
            lookout.rest(reader);
            return Ok(Arc::clone(&known.preparation));
        }
        let preparation = Arc::new(self.service.preparation(&reader)?);
        lookout.rest(reader);
        *known = Some(Known { activations, read: Instant::now(), preparation: Arc::clone(&preparation) });
        Ok(preparation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Overrides};
    use crate::domain::call::Call;
    use crate::domain::event::Event;
    use crate::domain::prompt::PromptUri;
    use crate::domain::prompt_file::PromptFile;
    use crate::store::Access;
    use crate::store::prompt_shelf::PromptShelf;
    use crate::store::prompts::{Activation, Deed};

    #[test]
    fn what_intakes_know_is_kept_until_another_version_is_active() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("s.db");
        let config = Config::load(&Overrides { store: Some(store), config: None }).unwrap();
        let service = Arc::new(Service::open(config, Access::Write).unwrap());
        let receiver = Receiver::new(Arc::clone(&service));
        let first = receiver.preparation().unwrap();
        // Counting calls changes nothing of it.
        let mut intake = receiver.intake().unwrap();
        intake.event(Event::Call(Call::bare("c1", now(), "gpt-4o"))).unwrap();
        assert_eq!(intake.finish().unwrap().accepted, 1);
        assert!(Arc::ptr_eq(&first, &receiver.preparation().unwrap()));

        let file = PromptFile::parse(
            "a.prompt",
            b"---\nname: b\nhuman.scope: org\nhuman.org: A\nhuman.version: 1.0.0\n---\nHello.\n",
        )
        .unwrap();
        let mut shelf = PromptShelf::open(service.path(), Access::Write).unwrap();
        let change = shelf.change().unwrap();
        let deed = Deed { at: now(), actor: "me", reason: None };
        change.publish(&file, Activation::Now, deed).unwrap();
        change.commit().unwrap();
        let after = receiver.preparation().unwrap();
        assert!(!Arc::ptr_eq(&first, &after));
        let uri: PromptUri = "prompt://org/A/b".parse().unwrap();
        assert_eq!((after.active)(&uri, now()).unwrap().to_string(), "1.0.0");
    }
}
