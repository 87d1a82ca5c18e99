//! The permissions as types: one per [`Action`], and [`Modify`] for "some change".

use slipway_domain::access::Action;
use slipway_domain::feature::Feature;

/// A permission as a type.
pub trait Permission: Send + Sync + 'static {
    /// The action it stands for.
    const ACTION: Action;
    /// The feature that must be switched on; `None`: it has no switch.
    const FEATURE: Option<Feature> = Feature::of(Self::ACTION);
}

macro_rules! sights {
    ($($name:ident = $feature:ident),+ $(,)?) => {$(
        #[doc = concat!("[`Action::See`], where [`Feature::", stringify!($feature), "`] is switched on.")]
        #[derive(Clone, Copy, Debug)]
        pub struct $name;
        impl Permission for $name {
            const ACTION: Action = Action::See;
            const FEATURE: Option<Feature> = Some(Feature::$feature);
        }
    )+};
}

sights! { SeeBoards = Boards, SeeInsights = Insights, SeePipelines = Pipelines, SeeReleases = Releases }

macro_rules! permissions {
    ($($name:ident),+ $(,)?) => {$(
        #[doc = concat!("[`Action::", stringify!($name), "`].")]
        #[derive(Clone, Copy, Debug)]
        pub struct $name;
        impl Permission for $name {
            const ACTION: Action = Action::$name;
        }
    )+};
}

permissions! {
    See, OrgManage, ProjectCreate, AuditRead, ProjectManage, AppCreate, EnvironmentEdit, FreezeEdit,
    TemplatePublish, BoardEdit, IterationEdit, ItemCreate, ItemEdit, BugClose, ItemDelete, PipelineEdit,
    PipelineRun, PipelineRunProtected, AppManage, ReleaseCreate, PromoteTest, PromoteProduction, Rollback,
    Scale, BreakGlass,
}

/// Some change that was authorized by its own action: what store methods that write ask for.
#[derive(Clone, Copy, Debug)]
pub struct Modify;
