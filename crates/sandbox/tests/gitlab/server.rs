//! A running GitLab with its client, for the tests of this folder.

use std::future::Future;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use slipway_sandbox::gitlab::{GitlabConfig, GitlabHandle, start};
use tempfile::TempDir;

/// A GitLab with the sample projects in a folder of its own.
pub struct Server {
    pub gitlab: GitlabHandle,
    pub http: reqwest::Client,
    /// A token of `dev-1`, a developer of the group.
    pub developer: String,
    data: TempDir,
}

impl Server {
    pub async fn start() -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let gitlab = start(config(&data)).await.expect("a GitLab");
        let developer = gitlab
            .seed_user("dev-1", "Dana Developer", "dev-1@acme.example")
            .expect("a user");
        gitlab.seed_samples(&["dev-1"]).expect("sample projects");
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client");
        Self {
            gitlab,
            http,
            developer,
            data,
        }
    }

    /// Stops it and starts it again over the same folder.
    pub async fn restart(&mut self) {
        self.gitlab.shutdown().await;
        self.gitlab = start(config(&self.data)).await.expect("a GitLab");
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        self.http
            .request(method, format!("{}/api/v4/{path}", self.gitlab.url()))
            .header("PRIVATE-TOKEN", self.gitlab.admin_token())
    }

    /// Status and JSON body; null when the body is not JSON.
    pub async fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = self.request(method, path);
        let request = if body.is_null() {
            request
        } else {
            request.json(&body)
        };
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, value) = self.call("GET", path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let (status, value) = self.call("POST", path, body).await;
        assert!(status == 201 || status == 200, "{path}: {status} {value}");
        value
    }

    /// Commits one file on `main` of a project.
    pub async fn commit(&self, project: &str, path: &str, content: &str) -> Value {
        let file = format!(
            "projects/{project}/repository/files/{}?ref=main",
            path.replace('/', "%2F")
        );
        let exists = self.call("GET", &file, Value::Null).await.0 == 200;
        let action = if exists { "update" } else { "create" };
        let actions = json!([{ "action": action, "file_path": path, "content": content }]);
        let body = json!({ "branch": "main", "commit_message": format!("Write {path}"), "actions": actions });
        self.post(&format!("projects/{project}/repository/commits"), body)
            .await
    }

    /// Waits until the newest pipeline of a project is done, and answers it with its jobs in order.
    pub async fn finished(&self, project: &str) -> (Value, Vec<Value>) {
        const DONE: [&str; 5] = ["success", "failed", "canceled", "skipped", "manual"];
        let pipeline = until("a finished pipeline", || async {
            let newest = self.get(&format!("projects/{project}/pipelines")).await[0].clone();
            DONE.contains(&newest["status"].as_str().unwrap_or_default())
                .then_some(newest)
        })
        .await;
        let mut jobs = self
            .get(&format!(
                "projects/{project}/pipelines/{}/jobs?per_page=100",
                pipeline["id"]
            ))
            .await;
        let jobs = jobs.as_array_mut().map(std::mem::take).unwrap_or_default();
        (pipeline, jobs.into_iter().rev().collect())
    }

    pub async fn trace(&self, project: &str, job: &Value) -> String {
        let path = format!("projects/{project}/jobs/{}/trace", job["id"]);
        self.request("GET", &path)
            .send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("a log")
    }
}

fn config(data: &TempDir) -> GitlabConfig {
    GitlabConfig {
        data: data.path().to_owned(),
        addr: ([127, 0, 0, 1], 0).into(),
        public_url: None,
    }
}

/// Asks again until there is an answer; panics after a minute.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut probe: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited a minute for {what}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// The sample that most tests use, as a path parameter.
pub const ORDER_API: &str = "acme%2Forder-api";

/// The jobs with their statuses.
pub fn names(jobs: &[Value]) -> Vec<(String, String)> {
    let text = |job: &Value, key: &str| job[key].as_str().unwrap_or_default().to_owned();
    jobs.iter()
        .map(|job| (text(job, "name"), text(job, "status")))
        .collect()
}

/// What `names` should answer.
pub fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(name, status)| ((*name).to_owned(), (*status).to_owned()))
        .collect()
}
