//! The parts of the form.

use crate::design::field::{Control, Field};
use crate::design::form::FormState;
use crate::design::raw_text::raw_text;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::workload::{ConfigFile, ContainerForm, OverrideForm, WorkloadForm, WorkloadKind};

fn kind_word(kind: WorkloadKind) -> String {
    let word = match kind {
        WorkloadKind::Deployment => tr!(workload.deployment),
        WorkloadKind::StatefulSet => tr!(workload.stateful_set),
        WorkloadKind::DaemonSet => tr!(workload.daemon_set),
        WorkloadKind::CronJob => tr!(workload.cron_job),
        WorkloadKind::Job => tr!(workload.job),
    };
    format!("{} · {word}", kind.kubernetes())
}

/// A group of fields under a word.
fn group(word: String, id: &'static str, fields: AnyView) -> AnyView {
    view! {
        <fieldset class="box" id=FormState::here().id_of(id)>
            <legend class="visually-hidden">{word.clone()}</legend>
            <header><h2 aria-hidden="true">{word}</h2></header>
            <div class="box-body form">{fields}</div>
        </fieldset>
    }
    .into_any()
}

/// The main container and its pods.
pub fn main(form: &WorkloadForm, images: &[String]) -> AnyView {
    let kinds = WorkloadKind::ALL
        .iter()
        .map(|kind| (kind.key().to_owned(), kind_word(*kind)))
        .collect();
    let first = (String::new(), tr!(workload.first_image));
    let mut choices: Vec<(String, String)> = vec![first];
    choices.extend(images.iter().map(|image| (image.clone(), image.clone())));
    if !form.image.is_empty() && !images.contains(&form.image) {
        choices.push((form.image.clone(), form.image.clone()));
    }
    let form = form.clone();
    let fields = view! {
        <div class="form-row">
            <Field name="form[kind]" label=tr!(workload.kind) control=Control::Select(kinds) value=form.kind/>
            <Field name="form[image]" label=tr!(workload.image) control=Control::Select(choices) value=form.image/>
            <Field name="form[replicas]" label=tr!(workload.replicas) control=Control::Number value=form.replicas/>
        </div>
        <div class="form-row">
            <Field name="form[cpu]" label=tr!(workload.cpu) value=form.cpu/>
            <Field name="form[cpu_limit]" label=tr!(workload.cpu_limit) value=form.cpu_limit/>
            <Field name="form[memory]" label=tr!(workload.memory) value=form.memory/>
        </div>
        <div class="form-row">
            <Field name="form[port]" label=tr!(workload.port) control=Control::Number value=form.port/>
            <Field name="form[probe_path]" label=tr!(workload.probe_path) value=form.probe_path/>
            <Field name="form[live_path]" label=tr!(workload.live_path) value=form.live_path/>
        </div>
        <Field name="form[command]" label=tr!(workload.command) help=tr!(workload.command_help) control=Control::Area(2) value=form.command/>
    };
    group(tr!(workload.main), "main", fields.into_any())
}

/// Variables, secret references, files and volumes.
pub fn configuration(form: &WorkloadForm) -> AnyView {
    let files = rows(&form.files, ConfigFile::default());
    let files = files
        .into_iter()
        .enumerate()
        .map(|(i, file)| {
            let name = |part: &str| format!("form[files][{i}][{part}]");
            view! {
                <div class="stack tight">
                    {line(name("path"), tr!(workload.file_path), file.path)}
                    {area(name("content"), tr!(workload.file_content), file.content, 4)}
                </div>
            }
        })
        .collect_view();
    let form = form.clone();
    let fields = view! {
        <Field name="form[variables]" label=tr!(workload.variables) help=tr!(workload.variables_help) control=Control::Area(4) value=form.variables/>
        <Field name="form[secrets]" label=tr!(workload.secrets) help=tr!(workload.secrets_help) control=Control::Area(2) value=form.secrets/>
        <Field name="form[volumes]" label=tr!(workload.volumes) help=tr!(workload.volumes_help) control=Control::Area(2) value=form.volumes/>
        <div class="stack" id=FormState::here().id_of("form[files]")>
            <p class="strong">{tr!(workload.files)}</p>
            <p class="help">{tr!(workload.files_help)}</p>
            {files}
        </div>
    };
    group(tr!(workload.configuration), "configuration", fields.into_any())
}

/// Ingress, autoscaling and schedule.
pub fn reach(form: &WorkloadForm) -> AnyView {
    let form = form.clone();
    let fields = view! {
        <div class="form-row">
            <Field name="form[ingress_host]" label=tr!(workload.host) value=form.ingress_host/>
            <Field name="form[ingress_path]" label=tr!(workload.path) value=form.ingress_path/>
            <Field name="form[ingress_class]" label=tr!(workload.class) value=form.ingress_class/>
            <Field name="form[ingress_tls]" label=tr!(workload.tls) value=form.ingress_tls/>
        </div>
        <p class="help">{tr!(workload.scaling_help)}</p>
        <div class="form-row">
            <Field name="form[least]" label=tr!(workload.least) control=Control::Number value=form.least/>
            <Field name="form[most]" label=tr!(workload.most) control=Control::Number value=form.most/>
            <Field name="form[percent]" label=tr!(workload.percent) control=Control::Number value=form.percent/>
        </div>
        <div class="form-row">
            <Field name="form[cron]" label=tr!(workload.cron) help=tr!(workload.cron_help) value=form.cron/>
            <Field name="form[zone]" label=tr!(workload.zone) value=form.zone/>
        </div>
    };
    group(tr!(workload.reach), "reach", fields.into_any())
}

/// Further containers: those that are there, and an empty one.
pub fn containers(form: &WorkloadForm) -> AnyView {
    let rows = rows(&form.containers, ContainerForm::default());
    let rows = rows
        .into_iter()
        .enumerate()
        .map(|(i, one)| container(i, one))
        .collect_view();
    let fields = view! { <p class="help">{tr!(workload.containers_help)}</p>{rows} };
    group(tr!(workload.containers), "form[containers]", fields.into_any())
}

fn container(i: usize, one: ContainerForm) -> AnyView {
    let name = |part: &str| format!("form[containers][{i}][{part}]");
    let kinds = [("", tr!(workload.beside)), ("true", tr!(workload.before))];
    let init = FormState::here().typed(&name("init")).unwrap_or(one.init);
    let options = kinds
        .into_iter()
        .map(|(key, word)| view! { <option value=key selected={key == init}>{word}</option> })
        .collect_view();
    let id = FormState::here().id_of(&name("init"));
    view! {
        <div class="stack">
            <div class="form-row">
                {line(name("name"), tr!(workload.name), one.name)}
                <div class="field">
                    <label for=id.clone()>{tr!(workload.when)}</label>
                    <select class="input" id=id.clone() name=name("init")>{options}</select>
                </div>
                {line(name("image"), tr!(workload.image), one.image)}
            </div>
            <div class="form-row">
                {line(name("cpu"), tr!(workload.cpu), one.cpu)}
                {line(name("memory"), tr!(workload.memory), one.memory)}
            </div>
            {area(name("command"), tr!(workload.command), one.command, 2)}
            {area(name("variables"), tr!(workload.variables), one.variables, 2)}
        </div>
    }
    .into_any()
}

/// What differs, environment by environment.
pub fn overrides(form: &WorkloadForm) -> AnyView {
    let rows = form
        .overrides
        .iter()
        .enumerate()
        .map(|(i, over)| over_fields(i, over.clone()))
        .collect_view();
    let fields = view! { <p class="help">{tr!(workload.overrides_help)}</p>{rows} };
    group(tr!(workload.overrides), "form[overrides]", fields.into_any())
}

fn over_fields(i: usize, over: OverrideForm) -> AnyView {
    let name = |part: &str| format!("form[overrides][{i}][{part}]");
    let differs = over
        != OverrideForm {
            environment: over.environment.clone(),
            ..OverrideForm::default()
        };
    let open = differs || FormState::here().came_back();
    view! {
        <details class="wide" open=open>
            <summary>{over.environment.clone()}</summary>
            <input type="hidden" name=name("environment") value=over.environment.clone()/>
            <div class="form">
                <div class="form-row">
                    {line(name("replicas"), tr!(workload.replicas), over.replicas)}
                    {line(name("most"), tr!(workload.most), over.most)}
                    {line(name("cpu"), tr!(workload.cpu), over.cpu)}
                    {line(name("memory"), tr!(workload.memory), over.memory)}
                </div>
                <div class="form-row">
                    {line(name("host"), tr!(workload.host), over.host)}
                    {line(name("cron"), tr!(workload.cron), over.cron)}
                </div>
                {area(name("variables"), tr!(workload.variables), over.variables, 2)}
            </div>
        </details>
    }
    .into_any()
}

/// The repository's own manifests in place of all this.
pub fn plain(form: &WorkloadForm) -> AnyView {
    let value = form.manifests.clone();
    let fields = view! {
        <Field name="form[manifests]" label=tr!(workload.paths) help=tr!(workload.paths_help) control=Control::Area(2) value=value/>
    };
    group(tr!(workload.plain), "plain", fields.into_any())
}

/// What is there, and one that is empty: a row is added by filling it and saving, and taken away by emptying its name.
fn rows<T: Clone>(there: &[T], empty: T) -> Vec<T> {
    there.iter().cloned().chain(std::iter::once(empty)).collect()
}

/// A line of a row.
fn line(name: String, label: String, value: String) -> AnyView {
    let form = FormState::here();
    let (id, value) = (form.id_of(&name), form.typed(&name).unwrap_or(value));
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <input class="input" type="text" id=id.clone() name=name value=value autocomplete="off"/>
        </div>
    }
    .into_any()
}

/// Several lines of a row.
fn area(name: String, label: String, value: String, lines: u32) -> AnyView {
    let form = FormState::here();
    let (id, value) = (form.id_of(&name), form.typed(&name).unwrap_or(value));
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <textarea class="input mono" id=id.clone() name=name rows=lines>{raw_text(&value)}</textarea>
        </div>
    }
    .into_any()
}
