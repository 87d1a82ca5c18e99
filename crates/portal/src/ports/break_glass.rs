//! Breaking glass.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{App, Authorized};
use async_trait::async_trait;
use slipway_domain::break_glass::BreakGlass;
use slipway_domain::id::{BreakGlassId, PromotionId};

/// Breaking glass.
#[async_trait]
pub trait BreakGlassTx: Send {
    /// Writes down that the glass was broken for a promotion.
    async fn insert_glass(
        &mut self,
        app: &Authorized<App, Modify>,
        promotion: PromotionId,
        glass: &BreakGlass,
    ) -> StoreResult<()>;
    /// Writes the second person, the use and the review down, each where it was not written yet; `Gone` where one of them was.
    async fn update_glass(
        &mut self,
        app: &Authorized<App, Modify>,
        was: &BreakGlass,
        glass: &BreakGlass,
    ) -> StoreResult<()>;
    /// Those of a promotion, oldest first.
    async fn glasses(
        &mut self,
        app: &Authorized<App, See>,
        promotion: PromotionId,
    ) -> StoreResult<Vec<BreakGlass>>;
    /// The promotion that one is of.
    async fn promotion_of_glass(&mut self, id: BreakGlassId) -> StoreResult<Option<PromotionId>>;
}
