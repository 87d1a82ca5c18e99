//! Sealed secrets, wherever they are kept.

use super::StoreResult;
use crate::secret::{Sealed, SecretKind};
use async_trait::async_trait;

/// Sealed secrets.
#[async_trait]
pub trait SecretTx: Send {
    /// Every secret of the kind.
    async fn sealed(&mut self, kind: SecretKind) -> StoreResult<Vec<Sealed>>;
    /// Puts `text` in the place of a secret that is still what was read.
    async fn reseal(&mut self, secret: &Sealed, text: &str) -> StoreResult<()>;
}
