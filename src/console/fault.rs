//! Failures of lower rooms, as the console shows them.

use super::message::{Fault, FaultKind};
use crate::keys::KeyError;
use crate::service::ServiceError;
use crate::store::{Kind, StoreError};

/// A failure of a question or a command.
pub fn of_service(error: &ServiceError) -> Fault {
    match error {
        ServiceError::Store(error) => of_store(error),
        other => Fault::new(other.to_string()),
    }
}

/// A failure of the store.
pub fn of_store(error: &StoreError) -> Fault {
    let kind = match error.kind {
        Kind::Refused | Kind::ReadOnly => FaultKind::Refused,
        Kind::Changed => FaultKind::Changed,
        _ => FaultKind::Failed,
    };
    Fault { text: error.to_string().into(), kind }
}

/// A failure of a key.
pub fn of_keys(error: &KeyError) -> Fault {
    Fault::new(error.to_string())
}
