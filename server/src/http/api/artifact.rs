//! The files that a job kept, and the reports of a run.

use super::Answer;
use super::ask::{Asked, OrRefuse as _, Path, Query};
use super::job::JobPath;
use super::refusals::Reads;
use super::run::RunPath;
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderName, HeaderValue, header};
use serde::{Deserialize, Serialize};
use slipway_domain::artifact::Entry;
use slipway_domain::report::scan::{Finding, Scan};
use slipway_domain::report::{Case, CaseFilter, JobCoverage, Suite};
use slipway_domain::text::Locale;
use slipway_domain::time::Timestamp;
use slipway_portal::artifact::Download;
use utoipa::{IntoParams, ToSchema};

/// The routes.
pub const ROUTES: &[Route] = &[
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/reports",
        Access::SignedIn,
        || get(reports),
    ),
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/jobs/{job}/artifacts",
        Access::SignedIn,
        || get(list),
    ),
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/jobs/{job}/artifacts/archive",
        Access::SignedIn,
        || get(archive),
    ),
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/jobs/{job}/artifacts/file",
        Access::SignedIn,
        || get(file),
    ),
];

/// Which folder.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Folder {
    /// Its path in the archive; left out: the archive itself.
    folder: Option<String>,
}

/// Which file.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FilePath {
    /// Its path in the archive, as the list has it.
    path: String,
}

/// A line of a folder.
#[derive(Serialize, ToSchema)]
pub struct ArtifactEntry {
    /// Its name in the folder.
    name: String,
    /// Its path in the archive.
    path: String,
    /// How many files it holds, of a folder.
    files: Option<usize>,
    /// Its size, of a folder that of all in it, in bytes.
    size: i64,
}

impl ArtifactEntry {
    fn of(entry: Entry) -> Self {
        Self {
            name: entry.name,
            path: entry.path,
            files: entry.files,
            size: entry.size,
        }
    }
}

/// A folder of a job's archive.
#[derive(Serialize, ToSchema)]
pub struct Artifacts {
    /// What is in the folder: folders first, then files.
    entries: Vec<ArtifactEntry>,
    /// The size of the archive in bytes; nothing: the job keeps no files.
    archive_size: Option<i64>,
    /// When GitLab deletes them; nothing: never.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// When GitLab said this.
    #[schema(format = DateTime)]
    as_of: Option<String>,
    /// Why GitLab says nothing now.
    trouble: Option<String>,
}

/// A test case.
#[derive(Serialize, ToSchema)]
pub struct TestCase {
    /// Its name.
    name: String,
    /// The class or file that it stands in.
    class: String,
    /// `failed`, `error`, `skipped` or `success`.
    status: &'static str,
    /// How long it took, in seconds.
    seconds: f64,
    /// What it wrote when it failed.
    output: String,
}

/// The tests of a job.
#[derive(Serialize, ToSchema)]
pub struct TestSuite {
    /// Its name.
    name: String,
    /// How many held.
    passed: i64,
    /// How many did not.
    failed: i64,
    /// How many were not run.
    skipped: i64,
    /// Why GitLab could not read the report.
    error: Option<String>,
    /// The cases, bad news first.
    cases: Vec<TestCase>,
    /// How many cases are not among them.
    left_out: usize,
}

/// The coverage of a job.
#[derive(Serialize, ToSchema)]
pub struct Coverage {
    /// The job.
    job: String,
    /// In percent.
    percent: f64,
}

/// Something that a scanner found.
#[derive(Serialize, ToSchema)]
pub struct ScanFinding {
    /// `critical`, `high`, `medium`, `low`, `unknown` or `info`.
    severity: &'static str,
    /// What it is.
    name: String,
    /// Its number, as in `CVE-2026-1234`.
    identifier: Option<String>,
    /// The package and its version.
    package: Option<String>,
    /// What to do.
    solution: Option<String>,
    /// Where.
    file: Option<String>,
    /// The line in it.
    line: Option<i64>,
    /// Where more is said.
    link: Option<String>,
}

/// What a scan found.
#[derive(Serialize, ToSchema)]
pub struct ScanReport {
    /// `secrets`, `dependencies`, `image` or `code`.
    kind: &'static str,
    /// The job that did it.
    job: String,
    /// What was found, the worst first.
    findings: Vec<ScanFinding>,
    /// How many findings are not among them.
    left_out: usize,
    /// Why the report could not be read.
    trouble: Option<String>,
}

/// The reports of a run.
#[derive(Serialize, ToSchema)]
pub struct RunReports {
    /// Its tests, a suite a job.
    tests: Vec<TestSuite>,
    /// Its coverage in percent.
    coverage: Option<f64>,
    /// The coverage of each job.
    coverage_by_job: Vec<Coverage>,
    /// What scanners found.
    scans: Vec<ScanReport>,
    /// When GitLab said this.
    #[schema(format = DateTime)]
    as_of: Option<String>,
    /// Why GitLab says nothing now.
    trouble: Option<String>,
}

/// Which test cases.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichCases {
    /// `failed`, `skipped` or `success`; left out: all.
    status: Option<String>,
    /// Only those whose name or class has it.
    find: Option<String>,
}

fn seconds(micros: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a duration in seconds")]
    let seconds = micros as f64 / 1e6;
    seconds
}

fn percent(hundredths: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "at most 10000")]
    let percent = hundredths as f64 / 100.0;
    percent
}

fn suite(suite: Suite) -> TestSuite {
    let case = |case: Case| TestCase {
        name: case.name,
        class: case.class,
        status: case.status.key(),
        seconds: seconds(case.took),
        output: case.output,
    };
    TestSuite {
        name: suite.name,
        passed: suite.passed,
        failed: suite.failed,
        skipped: suite.skipped,
        error: suite.error,
        cases: suite.cases.into_iter().map(case).collect(),
        left_out: suite.left_out,
    }
}

fn scan(scan: Scan, locale: Locale) -> ScanReport {
    let finding = |finding: Finding| ScanFinding {
        severity: finding.severity.key(),
        name: finding.name,
        identifier: finding.identifier,
        package: finding.package,
        solution: finding.solution,
        file: finding.file,
        line: finding.line,
        link: finding.link,
    };
    ScanReport {
        kind: scan.kind.key(),
        job: scan.job,
        findings: scan.findings.into_iter().map(finding).collect(),
        left_out: scan.left_out,
        trouble: scan.trouble.map(|text| text.get(locale).to_owned()),
    }
}

/// The reports of a run: tests, coverage, scans. At most 200 cases, those that the filter takes.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/reports",
    tag = "Runs",
    operation_id = "runs.reports",
    params(RunPath, WhichCases),
    responses((status = 200, description = "They, last known where GitLab is away", body = RunReports), Reads)
)]
pub async fn reports(
    asked: Asked,
    Path(at): Path<RunPath>,
    Query(which): Query<WhichCases>,
) -> Answer<RunReports> {
    let filter = CaseFilter {
        status: which.status.unwrap_or_default(),
        find: which.find.unwrap_or_default(),
    };
    let place = (at.org.as_str(), at.project.as_str(), at.app.as_str());
    let view = slipway_portal::report::view(asked.ctx(), place, at.number, &filter)
        .await
        .or_refuse(&asked)?;
    let reports = view.reports.unwrap_or_default();
    let suites = reports.tests.map(|tests| tests.suites).unwrap_or_default();
    let by_job = |job: JobCoverage| Coverage {
        percent: percent(job.hundredths),
        job: job.job,
    };
    Ok(Json(RunReports {
        tests: suites.into_iter().map(suite).collect(),
        coverage: reports.coverage.map(percent),
        coverage_by_job: reports.jobs.into_iter().map(by_job).collect(),
        scans: reports
            .scans
            .into_iter()
            .map(|found| scan(found, asked.locale()))
            .collect(),
        as_of: view.as_of.map(Timestamp::rfc3339),
        trouble: view.trouble.map(|text| text.get(asked.locale()).to_owned()),
    }))
}

/// The files of a job, in a folder of its archive.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/jobs/{job}/artifacts",
    tag = "Runs",
    operation_id = "jobs.artifacts",
    params(JobPath, Folder),
    responses((status = 200, description = "They, last known where GitLab is away", body = Artifacts), Reads)
)]
pub async fn list(asked: Asked, Path(at): Path<JobPath>, Query(folder): Query<Folder>) -> Answer<Artifacts> {
    let folder = folder.folder.unwrap_or_default();
    let view = slipway_portal::artifact::view(asked.ctx(), &at.job_at(), &folder)
        .await
        .or_refuse(&asked)?;
    Ok(Json(Artifacts {
        entries: view.entries.into_iter().map(ArtifactEntry::of).collect(),
        archive_size: view.archive.as_ref().map(|archive| archive.size),
        expires_at: view
            .archive
            .and_then(|archive| archive.expires_at)
            .map(Timestamp::rfc3339),
        as_of: view.as_of.map(Timestamp::rfc3339),
        trouble: view.trouble.map(|text| text.get(asked.locale()).to_owned()),
    }))
}

/// Bytes that somebody else made: saved, never shown, whatever they say they are.
fn saved(file: Download) -> Response {
    let headers = [
        (header::CONTENT_TYPE, String::from("application/octet-stream")),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}\"", file.name),
        ),
        (header::X_CONTENT_TYPE_OPTIONS, String::from("nosniff")),
        (
            HeaderName::from_static("content-security-policy"),
            String::from("default-src 'none'; sandbox"),
        ),
    ];
    let mut response = (headers, axum::body::Body::from_stream(file.pieces)).into_response();
    // A file that ends too early is seen to.
    if let Some(size) = file.size {
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    }
    response
}

/// All files of a job as the archive that GitLab keeps, to be saved.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/jobs/{job}/artifacts/archive",
    tag = "Runs",
    operation_id = "jobs.archive",
    params(JobPath),
    responses(
        (status = 200, description = "The archive", body = Vec<u8>, content_type = "application/octet-stream"),
        Reads
    )
)]
pub async fn archive(asked: Asked, Path(at): Path<JobPath>) -> Result<Response, Refusal> {
    let file = slipway_portal::artifact::download(asked.ctx(), &at.job_at(), None)
        .await
        .or_refuse(&asked)?;
    Ok(saved(file))
}

/// One file of a job, to be saved.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/jobs/{job}/artifacts/file",
    tag = "Runs",
    operation_id = "jobs.file",
    params(JobPath, FilePath),
    responses(
        (status = 200, description = "The file", body = Vec<u8>, content_type = "application/octet-stream"),
        Reads
    )
)]
pub async fn file(
    asked: Asked,
    Path(at): Path<JobPath>,
    Query(file): Query<FilePath>,
) -> Result<Response, Refusal> {
    let file = slipway_portal::artifact::download(asked.ctx(), &at.job_at(), Some(&file.path))
        .await
        .or_refuse(&asked)?;
    Ok(saved(file))
}
