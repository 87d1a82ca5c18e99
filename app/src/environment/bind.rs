//! The form that says where an environment runs.

use super::api::BindEnvironment;
use crate::design::button::{Weight, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, hidden, place_fields};
use crate::place::check_box;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::environment::{EnvironmentList, EnvironmentView};

/// The form, folded away. It is open where the environment has no cluster, and after a refusal.
pub fn form(one: &EnvironmentView, list: &EnvironmentList) -> AnyView {
    let key = one.environment.key.clone();
    let refused = crate::Flash::of(BindEnvironment::PATH)
        .is_some_and(|flash| flash.typed("environment") == Some(key.as_str()));
    let project = list
        .place
        .project
        .as_ref()
        .map_or("", |project| project.slug.as_str());
    let (cluster, namespace) = match &one.binding {
        Some(binding) => (binding.cluster.to_string(), binding.namespace.clone()),
        None => (String::new(), format!("{project}-{key}")),
    };
    let none = (String::new(), tr!(environment.no_cluster));
    let clusters = list
        .clusters
        .iter()
        .map(|one| (one.id.to_string(), one.name.clone()));
    let clusters = std::iter::once(none).chain(clusters).collect();
    let at = place_fields(&list.place);
    let (branches, version) = (one.branches.join("\n"), one.version.to_string());
    let step_up = (!one.policy.rules.is_empty()).then(|| {
        check_box(
            "step_up",
            "true",
            one.policy.step_up,
            tr!(environment.step_up_on),
            tr!(environment.step_up_help),
        )
    });
    view! {
        <details class="box-body" open=refused || one.binding.is_none()>
            <summary>{tr!(environment.change)}</summary>
            <Form action=BindEnvironment::PATH class="form narrow" done=tr!(environment.changed) key=("environment", key)>
                {at}
                {hidden("version", version)}
                <Field name="cluster" label=tr!(environment.cluster) control=Control::Select(clusters) value=cluster/>
                <Field name="namespace" label=tr!(environment.namespace) help=tr!(environment.namespace_help) value=namespace/>
                <Field name="branches" label=tr!(environment.branches) help=tr!(environment.branches_help) control=Control::Area(3) value=branches/>
                {step_up}
                <p>{submit(Weight::Plain, tr!(environment.save))}</p>
            </Form>
        </details>
    }
    .into_any()
}
