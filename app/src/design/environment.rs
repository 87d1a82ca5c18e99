//! The badge of an environment. Never a status hue: LIVE is inverse.

use leptos::prelude::*;
use slipway_domain::environment::{EnvironmentRef, Tier};

/// An environment's badge.
pub fn env_badge(environment: &EnvironmentRef) -> AnyView {
    let class = if environment.tier == Tier::Production {
        "env live"
    } else {
        "env"
    };
    view! { <span class=class title=environment.name.clone()>{environment.key.clone()}</span> }.into_any()
}
