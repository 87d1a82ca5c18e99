//! The clusters of an organization: how each is, what Slipway may not do there, and its form.

pub mod api;

use crate::connection::{last_call, status};
use crate::design::button::{Weight, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, hidden};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::time::time;
use crate::design::upload::from_file;
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::place::org_tabs;
use crate::places::param;
use crate::tr;
use api::{AddCluster, EditCluster, ReadClusters, RemoveCluster, TestCluster};
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::connection::{Cluster, ClusterList, ClusterReport};

/// `/orgs/{org}/settings/clusters`.
pub fn clusters_page() -> AnyView {
    let org = param("org");
    load(move || ReadClusters { org: org() })
        .watching(|list: &ClusterList| Topics::of("org", list.org.id))
        .view(|list| show(&list))
}

fn show(list: &ClusterList) -> AnyView {
    let org = list.org.slug.clone();
    let cards = if list.clusters.is_empty() {
        view! { <EmptyState title=tr!(place.no_clusters) hint=tr!(place.no_clusters_hint)/> }.into_any()
    } else {
        let cards = list
            .clusters
            .iter()
            .map(|one| card(&org, one))
            .collect::<Vec<_>>();
        view! { <div class="stack wide">{cards}</div> }.into_any()
    };
    let in_cluster = list.in_cluster;
    let help = if in_cluster {
        tr!(place.kubeconfig_help_own)
    } else {
        tr!(place.kubeconfig_help)
    };
    view! {
        <PageHead title=tr!(place.settings) line=list.org.name.clone().into_any()/>
        {org_tabs(&org, "clusters")}
        <div class="stack wide">
            {cards}
            <Panel title=tr!(place.add_cluster)>
                <Form action=AddCluster::PATH class="form narrow box-body" done=tr!(place.cluster_added)>
                    {hidden("org", org)}
                    <Field name="name" label=tr!(place.name) required=true/>
                    {from_file(tr!(place.kubeconfig_file), "kubeconfig")}
                    <Field
                        name="kubeconfig" label=String::from("kubeconfig") help=help control=Control::Area(8)
                        required=!in_cluster
                    />
                    <Field name="context" label=tr!(place.context) help=tr!(place.context_help)/>
                    <p>{submit(Weight::Primary, tr!(place.add))}</p>
                </Form>
            </Panel>
        </div>
    }
    .into_any()
}

fn card(org: &str, one: &Cluster) -> AnyView {
    let id = one.id.to_string();
    let namespace = one
        .report
        .as_ref()
        .map_or_else(|| String::from("default"), |report| report.namespace.clone());
    let at = org.to_owned();
    let test = view! {
        <Form action=TestCluster::PATH class="form form-row box-body" done=tr!(place.tested) key=("id", id.clone())>
            {hidden("org", at)}
            <Field name="namespace" label=tr!(place.namespace) value=namespace/>
            {submit(Weight::Plain, tr!(place.test))}
        </Form>
    };
    let change = if one.operator {
        view! { <p class="small muted box-body">{tr!(place.operators)}</p> }.into_any()
    } else {
        forms(org, one)
    };
    let context = one.context.as_ref().map(|context| {
        view! { <dt>{tr!(place.context)}</dt><dd><code>{context.clone()}</code></dd> }
    });
    view! {
        <section class="box">
            <header><h2>{one.name.clone()}</h2>{status(one.trouble.as_ref(), one.last_ok_at)}</header>
            <div class="box-body">
                {one.trouble.as_ref().map(|trouble| view! { <p class="note bad">{say(trouble)}</p> })}
                <dl class="facts">
                    {context}
                    <dt>{tr!(place.last_call)}</dt>
                    <dd>{last_call(one.last_ok_at)}</dd>
                    {one.report.as_ref().map(report)}
                </dl>
            </div>
            {test}
            {change}
        </section>
    }
    .into_any()
}

fn report(report: &ClusterReport) -> AnyView {
    let version = report
        .version
        .as_ref()
        .map(|version| tr!(place.version, version = version));
    let denied = (!report.denied.is_empty()).then(|| {
        let rights = report
            .denied
            .iter()
            .map(|right| view! { <li><code>{right.clone()}</code></li> })
            .collect::<Vec<_>>();
        view! {
            <span class="fault">{tr!(place.denied, namespace = report.namespace.clone())}</span>
            <ul class="checks">{rights}</ul>
        }
    });
    let all = (report.version.is_some() && report.denied.is_empty())
        .then(|| tr!(place.all_allowed, namespace = report.namespace.clone()));
    view! {
        <dt>{tr!(place.last_test)}</dt>
        <dd class="stack tight">
            <span>{time(report.at)}</span>
            {version.map(|version| view! { <span>{version}</span> })}
            {denied}
            {all.map(|all| view! { <span>{all}</span> })}
            {report.trouble.as_ref().map(|trouble| view! { <span class="fault">{say(trouble)}</span> })}
        </dd>
    }
    .into_any()
}

fn forms(org: &str, one: &Cluster) -> AnyView {
    let id = one.id.to_string();
    let (name, context) = (one.name.clone(), one.context.clone().unwrap_or_default());
    let open =
        crate::Flash::of(EditCluster::PATH).is_some_and(|flash| flash.typed("id") == Some(id.as_str()));
    let (changed, removed) = (org.to_owned(), org.to_owned());
    view! {
        <details class="box-body" open=open>
            <summary>{tr!(place.change)}</summary>
            <Form action=EditCluster::PATH class="form narrow" done=tr!(place.saved) key=("id", id.clone())>
                {hidden("org", changed)}
                <Field name="name" label=tr!(place.name) value=name/>
                {from_file(tr!(place.kubeconfig_file), "kubeconfig")}
                <Field name="kubeconfig" label=tr!(place.new_kubeconfig) control=Control::Area(6)/>
                <Field name="context" label=tr!(place.context) value=context/>
                <p>{submit(Weight::Plain, tr!(place.save))}</p>
            </Form>
            <Form action=RemoveCluster::PATH class="form" done=tr!(place.removed) confirm=tr!(place.remove_ask) key=("id", id.clone())>
                {hidden("org", removed)}
                <p>{submit(Weight::Danger, tr!(place.remove))}</p>
            </Form>
        </details>
    }
    .into_any()
}
