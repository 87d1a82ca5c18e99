//! `App/runs/{n}/jobs/{job}/files`: the files that a job kept.

pub mod api;

use crate::design::button::{Weight, button_link};
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::table::{row, table};
use crate::design::time::{clock, time};
use crate::i18n::say;
use crate::load::load;
use crate::places::{app_params, encode, param, query};
use crate::tr;
use api::ReadArtifacts;
use leptos::prelude::*;
use slipway_domain::artifact::{Archive, ArtifactView, Entry, size_word};

/// `App/runs/{n}/jobs/{job}/files`.
pub fn artifacts_page() -> AnyView {
    let (params, number, job) = (app_params(), param("number"), param("job"));
    let folder = query("folder");
    load(move || {
        let (org, project, app) = params();
        ReadArtifacts {
            org,
            project,
            app,
            number: number(),
            job: job(),
            folder: folder(),
        }
    })
    .view(|view| show(&view))
}

/// The address from which files are downloaded.
fn download(view: &ArtifactView, path: Option<&str>) -> String {
    let base = format!(
        "/api/v1{}/runs/{}/jobs/{}/artifacts",
        view.place.path(),
        view.number,
        view.job
    );
    match path {
        Some(path) => format!("{base}/file?path={}", encode(path)),
        None => format!("{base}/archive"),
    }
}

fn show(view: &ArtifactView) -> AnyView {
    let back = button_link(
        Weight::Quiet,
        format!(
            "{}/runs/{}?job={}",
            view.place.path(),
            view.number,
            encode(&view.job_name)
        ),
        tr!(artifact.back),
    );
    let trouble = view.trouble.as_ref().map(|trouble| {
        view! { <p class="note warn gap-below">{say(trouble)}</p> }
    });
    let body = match &view.archive {
        Some(archive) => listing(view, archive),
        None => view! { <div class="box"><EmptyState title=tr!(artifact.none) hint=tr!(artifact.none_hint)/></div> }
            .into_any(),
    };
    view! {
        <PageHead title=tr!(artifact.title, job = view.job_name.clone()) line=tr!(run.title, number = view.number).into_any() actions=back/>
        {trouble}
        {body}
        {view.as_of.map(|at| view! { <p class="small muted foot">{tr!(common.as_of)}" "{clock(at)}</p> })}
    }
    .into_any()
}

fn listing(view: &ArtifactView, archive: &Archive) -> AnyView {
    let expiry = match archive.expires_at {
        Some(_) if view.expired => view! { <span>{tr!(artifact.expired)}</span> }.into_any(),
        Some(at) => view! { <span>{tr!(artifact.expires)}" "{time(at)}</span> }.into_any(),
        None => view! { <span>{tr!(artifact.kept)}</span> }.into_any(),
    };
    let whole = (!view.expired).then(|| {
        view! {
            <a class="btn primary" href=download(view, None) rel="external" download>
                {tr!(artifact.download_all)}" "{size_word(archive.size)}
            </a>
        }
    });
    let unlisted = archive
        .unlisted
        .as_ref()
        .map(|why| view! { <p class="note">{say(why)}</p> });
    let left_out = (archive.left_out > 0).then(
        || view! { <p class="small muted box-body">{tr!(artifact.left_out, n = archive.left_out)}</p> },
    );
    let rows: Vec<AnyView> = view.entries.iter().map(|entry| entry_row(view, entry)).collect();
    let heads = [tr!(artifact.name), tr!(artifact.size)];
    let body = (!rows.is_empty()).then(|| {
        table(
            tr!(artifact.files),
            heads.into_iter().map(IntoAny::into_any).collect(),
            rows,
        )
    });
    view! {
        <div class="row wrap gap-below">{whole}<span class="small muted">{expiry}</span></div>
        {path_of(&view.folder)}
        {unlisted}
        <div class="box">{body}{left_out}</div>
    }
    .into_any()
}

/// The way from the archive to the folder, each part a link.
fn path_of(folder: &str) -> AnyView {
    if folder.is_empty() {
        return ().into_any();
    }
    let parts: Vec<&str> = folder.split('/').collect();
    let links: Vec<AnyView> = parts
        .iter()
        .enumerate()
        .map(|(at, part)| {
            let to = parts[..=at].join("/");
            let current = (at + 1 == parts.len()).then_some("page");
            view! { " / "<a href=format!("?folder={}", encode(&to)) aria-current=current>{(*part).to_owned()}</a> }.into_any()
        })
        .collect();
    view! { <nav class="gap-below break" aria-label=tr!(artifact.path)><a href="?">{tr!(artifact.root)}</a>{links}</nav> }.into_any()
}

fn entry_row(view: &ArtifactView, entry: &Entry) -> AnyView {
    let (name, size) = match entry.files {
        Some(count) => (
            view! { <a class="strong break" href=format!("?folder={}", encode(&entry.path))>{entry.name.clone()}"/"</a> }.into_any(),
            format!("{} · {}", tr!(artifact.count, n = count), size_word(entry.size)),
        ),
        None if view.expired => (
            view! { <span class="break">{entry.name.clone()}</span> }.into_any(),
            size_word(entry.size),
        ),
        None => (
            view! {
                <a class="break" href=download(view, Some(&entry.path)) rel="external" download>{entry.name.clone()}</a>
            }
            .into_any(),
            size_word(entry.size),
        ),
    };
    row(
        name,
        vec![(
            tr!(artifact.size),
            view! { <span class="muted nowrap">{size}</span> }.into_any(),
        )],
    )
}
