//! `App/runs/{n}/reports`: the tests, the coverage and the scans of a run, as tables.

pub mod api;

use crate::design::button::{Weight, button_link, submit};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::status::{self, Status, pill, tag};
use crate::design::table::{row, table};
use crate::design::time::{clock, duration};
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::places::{app_params, encode, param, query};
use crate::tr;
use api::ReadReports;
use leptos::prelude::*;
use slipway_domain::report::scan::{Finding, Scan, Severity};
use slipway_domain::report::{Case, CaseStatus, Reports, ReportsView, Suite};

/// `App/runs/{n}/reports`.
pub fn reports_page() -> AnyView {
    let (params, number) = (app_params(), param("number"));
    let (status, find) = (query("status"), query("find"));
    load(move || {
        let (org, project, app) = params();
        ReadReports {
            org,
            project,
            app,
            number: number(),
            status: status(),
            find: find(),
        }
    })
    .watching(|view: &ReportsView| Topics::of("run", view.run.id))
    .view(move |view| show(&view, &status().unwrap_or_default(), &find().unwrap_or_default()))
}

fn show(view: &ReportsView, status: &str, find: &str) -> AnyView {
    let number = view.run.number;
    let back = button_link(
        Weight::Quiet,
        format!("{}/runs/{number}", view.place.path()),
        tr!(report.back),
    );
    let trouble = view.trouble.as_ref().map(|trouble| {
        view! { <p class="note warn gap-below">{say(trouble)}</p> }
    });
    let body = match &view.reports {
        Some(reports) if !reports.is_empty() => panels(view, reports, status, find),
        _ => {
            let hint = if view.run.status.is_final() {
                tr!(report.none_hint)
            } else {
                tr!(report.not_yet)
            };
            view! { <div class="box"><EmptyState title=tr!(report.none) hint/></div> }.into_any()
        }
    };
    let mark = status::run(view.run.status, None);
    view! {
        <PageHead title=tr!(report.title, number = number) mark line=view.run.title.clone().into_any() actions=back/>
        {trouble}
        <div class="stack wide">{body}</div>
        {view.as_of.map(|at| view! { <p class="small muted foot">{tr!(common.as_of)}" "{clock(at)}</p> })}
    }
    .into_any()
}

fn panels(view: &ReportsView, reports: &Reports, status: &str, find: &str) -> AnyView {
    let tests = reports.tests.as_ref().map(|tests| {
        let (passed, failed, skipped) = view.sums.unwrap_or_else(|| tests.sums());
        let suites: Vec<AnyView> = tests.suites.iter().map(suite).collect();
        let filters = filters(status, find, (passed, failed, skipped));
        view! { <Panel title=tr!(report.tests)>{filters}{suites}</Panel> }
    });
    let coverage = (reports.coverage.is_some() || !reports.jobs.is_empty()).then(|| coverage(reports));
    let files = view.files_url.clone();
    let scans: Vec<AnyView> = reports
        .scans
        .iter()
        .map(|found| scan(found, files.as_deref()))
        .collect();
    view! { {tests}{coverage}{scans} }.into_any()
}

/// All, failed, skipped, passed, with their numbers; and words to find.
fn filters(status: &str, find: &str, (passed, failed, skipped): (i64, i64, i64)) -> AnyView {
    let choices = [
        ("", tr!(run.all), passed + failed + skipped),
        ("failed", tr!(report.failed), failed),
        ("skipped", tr!(report.skipped), skipped),
        ("success", tr!(report.passed), passed),
    ];
    let links: Vec<AnyView> = choices
        .into_iter()
        .map(|(key, word, count)| {
            let current = (key == status).then_some("true");
            let href = format!("?status={key}&find={}", encode(find));
            view! { <a class="btn small" href=href aria-current=current>{word}" "{count}</a> }.into_any()
        })
        .collect();
    view! {
        <div class="box-body row wrap">
            <nav class="row wrap" aria-label=tr!(report.filter)>{links}</nav>
            <form method="get" class="row wrap">
                <input type="hidden" name="status" value=status.to_owned()/>
                <input class="input" type="search" name="find" value=find.to_owned() aria-label=tr!(report.find) placeholder=tr!(report.find)/>
                {submit(Weight::Plain, tr!(report.search))}
            </form>
        </div>
    }
    .into_any()
}

fn suite(suite: &Suite) -> AnyView {
    let error = suite
        .error
        .clone()
        .map(|error| view! { <p class="note warn">{tr!(report.suite_error)}" "{error}</p> });
    let cases = if suite.cases.is_empty() {
        ().into_any()
    } else {
        let heads = [tr!(report.case), tr!(run.status), tr!(run.took)];
        table(
            suite.name.clone(),
            heads.into_iter().map(IntoAny::into_any).collect(),
            suite.cases.iter().map(case_row).collect(),
        )
    };
    let more = (suite.left_out > 0)
        .then(|| view! { <p class="small muted box-body">{tr!(report.left_out, n = suite.left_out)}</p> });
    view! {
        <section>
            <h3 class="box-body">
                {suite.name.clone()}" "
                <span class="small muted">
                    {tr!(report.sums, passed = suite.passed, failed = suite.failed, skipped = suite.skipped)}" · "{duration(suite.took)}
                </span>
            </h3>
            {error}{cases}{more}
        </section>
    }
    .into_any()
}

fn case_row(case: &Case) -> AnyView {
    let place = [
        Some(case.class.clone()).filter(|class| !class.is_empty()),
        case.file.clone(),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(" · ");
    let output = (!case.output.is_empty()).then(|| {
        view! {
            <details open=false>
                <summary>{tr!(report.output)}</summary>
                <pre class="code output">{case.output.clone()}</pre>
            </details>
        }
    });
    let name = view! {
        <span class="break">{case.name.clone()}</span>
        {(!place.is_empty()).then(|| view! { <p class="small muted break">{place}</p> })}
        {output}
    };
    let shown = match case.status {
        CaseStatus::Success => pill(Status::Success, tr!(report.passed)),
        CaseStatus::Failed => pill(Status::Failed, tr!(report.failed)),
        CaseStatus::Error => pill(Status::Failed, tr!(report.broken)),
        CaseStatus::Skipped => pill(Status::Cancelled, tr!(report.skipped)),
    };
    row(
        name.into_any(),
        vec![
            (tr!(run.status), shown),
            (
                tr!(run.took),
                view! { <span class="muted nowrap">{duration(case.took)}</span> }.into_any(),
            ),
        ],
    )
}

/// `8750` as `87.5 %`.
fn percent(hundredths: i64) -> String {
    let (whole, rest) = (hundredths / 100, hundredths % 100);
    if rest == 0 {
        format!("{whole} %")
    } else if rest % 10 == 0 {
        format!("{whole}.{} %", rest / 10)
    } else {
        format!("{whole}.{rest:02} %")
    }
}

fn coverage(reports: &Reports) -> AnyView {
    let rows: Vec<AnyView> = reports
        .jobs
        .iter()
        .map(|job| {
            let bar = view! {
                <span class="row wrap">
                    <meter min="0" max="100" value=(job.hundredths / 100).to_string() aria-hidden="true"></meter>
                    {percent(job.hundredths)}
                </span>
            };
            row(
                job.job.clone().into_any(),
                vec![(tr!(report.coverage), bar.into_any())],
            )
        })
        .collect();
    let heads = [tr!(report.job), tr!(report.coverage)];
    let body = (!rows.is_empty()).then(|| {
        table(
            tr!(report.coverage),
            heads.into_iter().map(IntoAny::into_any).collect(),
            rows,
        )
    });
    let whole = reports.coverage.map(percent).unwrap_or_default();
    view! { <Panel title=tr!(report.coverage) aside=whole.into_any()>{body}</Panel> }.into_any()
}

fn severity_pill(severity: Severity) -> AnyView {
    let status = match severity {
        Severity::Critical | Severity::High => Status::Failed,
        Severity::Medium => Status::Degraded,
        Severity::Low | Severity::Unknown | Severity::Info => Status::Queued,
    };
    pill(status, say(&severity.text()))
}

fn scan(scan: &Scan, files: Option<&str>) -> AnyView {
    let counts: Vec<AnyView> = scan
        .counts()
        .into_iter()
        .map(|(severity, count)| tag(format!("{} {count}", say(&severity.text()))))
        .collect();
    let body = if let Some(trouble) = &scan.trouble {
        view! { <p class="note warn">{say(trouble)}</p> }.into_any()
    } else if scan.findings.is_empty() {
        view! { <p class="box-body muted">{tr!(report.clean)}</p> }.into_any()
    } else {
        let heads = [
            tr!(report.finding),
            tr!(report.severity),
            tr!(report.package),
            tr!(report.place),
        ];
        table(
            say(&scan.kind.text()),
            heads.into_iter().map(IntoAny::into_any).collect(),
            scan.findings
                .iter()
                .map(|finding| finding_row(finding, files))
                .collect(),
        )
    };
    let more = (scan.left_out > 0).then(
        || view! { <p class="small muted box-body">{tr!(report.findings_left_out, n = scan.left_out)}</p> },
    );
    let by = scan
        .scanner
        .as_ref()
        .map(|scanner| format!("{scanner} · "))
        .unwrap_or_default();
    let aside = format!("{by}{}", scan.job).into_any();
    view! {
        <Panel title=say(&scan.kind.text()) aside>
            {(!counts.is_empty()).then(|| view! { <p class="box-body row wrap">{counts}</p> })}
            {body}{more}
        </Panel>
    }
    .into_any()
}

fn finding_row(finding: &Finding, files: Option<&str>) -> AnyView {
    let identifier = finding.identifier.clone().map(|identifier| match &finding.link {
        Some(link) => {
            view! { <a href=link.clone() rel="external noreferrer nofollow">{identifier}</a> }.into_any()
        }
        None => identifier.into_any(),
    });
    let name = view! {
        <span class="break">{finding.name.clone()}</span>
        {identifier.map(|identifier| view! { <p class="small">{identifier}</p> })}
    };
    let package = finding.package.clone().map(|package| {
        let fixed = finding
            .solution
            .clone()
            .map(|solution| view! { <p class="small muted break">{tr!(report.fixed)}" "{solution}</p> });
        view! { <code class="break">{package}</code>{fixed} }
    });
    let place = finding.file.clone().map(|file| {
        let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
        match files.filter(|_| finding.in_repository) {
            Some(base) => {
                let path = file.split('/').map(encode).collect::<Vec<_>>().join("/");
                let at = finding.line.map(|line| format!("#L{line}")).unwrap_or_default();
                view! { <a class="break" href=format!("{base}{path}{at}") rel="external noreferrer"><code>{file}{line}</code></a> }
                    .into_any()
            }
            None => view! { <code class="break">{file}{line}</code> }.into_any(),
        }
    });
    row(
        name.into_any(),
        vec![
            (tr!(report.severity), severity_pill(finding.severity)),
            (tr!(report.package), package.into_any()),
            (tr!(report.place), place.into_any()),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_percentage_has_no_more_digits_than_it_needs() {
        assert_eq!(percent(8750), "87.5 %");
        assert_eq!(percent(8705), "87.05 %");
        assert_eq!(percent(10_000), "100 %");
        assert_eq!(percent(0), "0 %");
    }
}
