//! What of a workload Kubernetes would not take, or nobody could mean.

use super::{Times, Workload, WorkloadKind};
use crate::release::Image;
use crate::text::Text;

impl Workload {
    /// What Kubernetes would not take, or nobody could mean: field by field, as [`WorkloadForm`](super::WorkloadForm) names them.
    pub fn check(&self) -> Vec<(String, Text)> {
        let mut wrong = Wrong::default();
        if !self.manifests.is_empty() {
            wrong.unless(
                "manifests",
                self.manifests.iter().all(|path| is_repository_path(path)),
                "give paths in the repository, one a line, as in deploy/app.yaml",
                "请填写仓库内的路径，每行一个，如 deploy/app.yaml",
            );
            wrong.unless(
                "manifests",
                self.manifests.len() <= 20,
                "name at most 20 files",
                "最多 20 个文件",
            );
            return wrong.0;
        }
        self.check_main(&mut wrong);
        self.check_parts(&mut wrong);
        self.check_kind(&mut wrong);
        for (key, over) in &self.overrides {
            let there = self.in_environment(key);
            let valid = cpu_fits(there.cpu_millis)
                && memory_fits(there.memory_mib)
                && there.replicas <= MOST_PODS
                && over.variables.keys().all(|name| is_variable(name))
                && over.host.as_ref().is_none_or(|host| is_host(host))
                && over.most.is_none_or(|most| (1..=MOST_PODS).contains(&most))
                && there
                    .schedule
                    .as_ref()
                    .is_none_or(|times| wrong_times(times).is_empty());
            wrong.unless(
                "overrides",
                valid,
                &format!("what differs in {key} is out of bounds or no name that Kubernetes takes"),
                &format!("{key} 的覆盖项超出范围，或名称不符合 Kubernetes 要求"),
            );
        }
        wrong.0
    }

    fn check_main(&self, wrong: &mut Wrong) {
        wrong.unless(
            "replicas",
            self.replicas <= MOST_PODS,
            "use 0 to 1000 pods",
            "请使用 0 到 1000 个副本",
        );
        wrong.unless(
            "cpu",
            cpu_fits(self.cpu_millis),
            "use 1 to 1000000 millicores",
            "请使用 1 到 1000000 毫核",
        );
        wrong.unless(
            "memory",
            memory_fits(self.memory_mib),
            "use 4 MiB to 1 TiB",
            "请使用 4 MiB 到 1 TiB",
        );
        wrong.unless(
            "cpu_limit",
            self.cpu_limit_millis.is_none_or(|limit| limit >= self.cpu_millis),
            "the limit must not be below the request",
            "上限不能低于请求值",
        );
        for (field, path) in [("probe_path", &self.probe_path), ("live_path", &self.live_path)] {
            wrong.unless(
                field,
                path.as_ref()
                    .is_none_or(|path| path.starts_with('/') && is_line(path)),
                "begin the path with /",
                "路径须以 / 开头",
            );
            wrong.unless(
                field,
                path.is_none() || self.port.is_some(),
                "a probe needs the port",
                "探针需要端口",
            );
        }
        wrong.unless(
            "image",
            is_image_name(&self.image),
            "name an image of the release, or another by digest; a tag may change",
            "请填写发布版本中的镜像，或用摘要指定其他镜像；标签会变化",
        );
        wrong.unless(
            "variables",
            self.variables.keys().all(|name| is_variable(name)),
            "a variable's name is made of A-Z, a-z, 0-9, _, - and ., without a digit first",
            "变量名由 A-Z、a-z、0-9、_、- 和 . 组成，不能以数字开头",
        );
        wrong.unless(
            "secrets",
            self.secrets
                .iter()
                .all(|one| is_variable(&one.variable) && is_subdomain(&one.secret) && is_key(&one.key)),
            "write each as in DB_PASSWORD=orders-db/password",
            "请逐行填写，如 DB_PASSWORD=orders-db/password",
        );
        wrong.unless(
            "secrets",
            self.secrets
                .iter()
                .all(|one| !self.variables.contains_key(&one.variable)),
            "a variable is given a value and a Secret; choose one",
            "同一变量不能同时有值和 Secret，请二选一",
        );
    }

    fn check_parts(&self, wrong: &mut Wrong) {
        let paths: Vec<&str> = self
            .files
            .iter()
            .map(|file| file.path.as_str())
            .chain(self.volumes.iter().map(|volume| volume.path.as_str()))
            .collect();
        wrong.unless(
            "files",
            self.files
                .iter()
                .all(|file| is_mount(&file.path) && !file.path.ends_with('/')),
            "give the whole path of each file, as in /etc/app/config.yaml",
            "请填写文件的完整路径，如 /etc/app/config.yaml",
        );
        wrong.unless(
            "files",
            self.files.iter().map(|file| file.content.len()).sum::<usize>() <= LARGEST_FILES,
            "the files together are larger than 64 KiB; put what is larger into the image",
            "文件总大小超过 64 KiB，请放入镜像",
        );
        wrong.unless(
            "volumes",
            self.volumes.iter().all(|volume| {
                is_label(&volume.name)
                    && is_mount(&volume.path)
                    && volume.mib.is_none_or(|mib| (1..=MOST_MIB * 16).contains(&mib))
            }),
            "write each as in data /var/lib/app 5Gi, or without a size for one that goes with its pod",
            "请逐行填写，如 data /var/lib/app 5Gi；不写大小则随 Pod 消失",
        );
        wrong.unless(
            "volumes",
            distinct(self.volumes.iter().map(|volume| volume.name.as_str())) && distinct(paths.into_iter()),
            "two volumes or files share a name or a path",
            "卷或文件的名称或路径重复",
        );
        wrong.unless(
            "containers",
            self.containers.iter().all(|one| {
                is_label(&one.name)
                    && is_image_name(&one.image)
                    && cpu_fits(one.cpu_millis)
                    && memory_fits(one.memory_mib)
                    && one.variables.keys().all(|name| is_variable(name))
            }) && distinct(self.containers.iter().map(|one| one.name.as_str())),
            "each container needs a name of its own (a-z, 0-9, -), an image of the release or one by digest, and its CPU and memory",
            "每个容器须有唯一名称（a-z、0-9、-）、发布版本中的镜像或摘要镜像，以及 CPU 和内存",
        );
    }

    fn check_kind(&self, wrong: &mut Wrong) {
        let kind = self.kind.kubernetes();
        if let Some(ingress) = &self.ingress {
            wrong.unless(
                "ingress_host",
                is_host(&ingress.host),
                "give a host name, as in shop.example.com",
                "请填写主机名，如 shop.example.com",
            );
            wrong.unless(
                "ingress_host",
                ingress.path.starts_with('/')
                    && is_line(&ingress.path)
                    && (ingress.class.is_empty() || is_subdomain(&ingress.class))
                    && (ingress.tls_secret.is_empty() || is_subdomain(&ingress.tls_secret)),
                "begin its path with /; class and Secret are names of Kubernetes",
                "路径须以 / 开头；Ingress 类和 Secret 须为 Kubernetes 名称",
            );
            wrong.unless(
                "ingress_host",
                self.port.is_some() && self.kind.serves(),
                "what is reached from outside needs a port and pods that stay",
                "对外访问需要端口以及常驻的 Pod",
            );
        }
        if let Some(scaling) = self.autoscaling {
            let valid = scaling.min >= 1
                && scaling.min <= scaling.max
                && scaling.max <= MOST_PODS
                && (1..=1000).contains(&scaling.cpu_percent);
            wrong.unless(
                "most",
                valid,
                "use at least 1 pod, no more than the most, and 1 to 1000 percent",
                "最少 1 个副本且不超过最大值，目标为 1% 到 1000%",
            );
            wrong.unless(
                "most",
                self.kind.scales(),
                &format!("a {kind} has no number of pods that could follow the load"),
                &format!("{kind} 不支持自动伸缩"),
            );
        }
        match (&self.schedule, self.kind) {
            (None, WorkloadKind::CronJob) => wrong.unless(
                "cron",
                false,
                "say when it runs, as in 0 2 * * *",
                "请填写运行时间，如 0 2 * * *",
            ),
            (Some(times), WorkloadKind::CronJob) => {
                wrong.0.extend(wrong_times(times));
            }
            _ => {}
        }
    }
}

/// What is wrong with when it runs. The browser, which has no zones, leaves that to the server.
#[cfg(not(target_arch = "wasm32"))]
fn wrong_times(times: &Times) -> Vec<(String, Text)> {
    match crate::schedule::cron::Cron::parse(&times.cron, &times.zone) {
        Ok(_) => Vec::new(),
        Err(error) => [("cron", error.cron), ("zone", error.zone)]
            .into_iter()
            .filter_map(|(field, text)| Some((field.to_owned(), text?)))
            .collect(),
    }
}

#[cfg(target_arch = "wasm32")]
fn wrong_times(_: &Times) -> Vec<(String, Text)> {
    Vec::new()
}

/// The most pods that are taken.
const MOST_PODS: u32 = 1000;
/// The most memory, in MiB.
const MOST_MIB: u32 = 1024 * 1024;
/// The most bytes of files: they are set in a form, and kept with every release for every environment.
const LARGEST_FILES: usize = 64 * 1024;

#[derive(Default)]
struct Wrong(Vec<(String, Text)>);

impl Wrong {
    fn unless(&mut self, field: &str, right: bool, en: &str, zh: &str) {
        if !right {
            self.0.push((field.to_owned(), Text::new(en, zh)));
        }
    }
}

fn cpu_fits(millis: u32) -> bool {
    (1..=1_000_000).contains(&millis)
}

fn memory_fits(mib: u32) -> bool {
    (4..=MOST_MIB).contains(&mib)
}

fn distinct<'a>(mut names: impl Iterator<Item = &'a str>) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    names.all(|name| seen.insert(name))
}

fn is_line(text: &str) -> bool {
    text.len() <= 255 && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// An image as a container names it: of the release, or another by digest.
fn is_image_name(named: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    let last = named.rsplit('/').next().unwrap_or_default();
    match named.split_once('@') {
        Some((repository, digest)) => {
            !repository.is_empty() && named.chars().all(good) && Image::is_digest(digest)
        }
        None => named.chars().all(good) && !last.contains(':'),
    }
}

/// What Kubernetes takes as the name of an environment variable everywhere.
fn is_variable(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    (1..=253).contains(&name.len())
        && name.chars().all(good)
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// A key of a Secret or `ConfigMap`.
fn is_key(key: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    (1..=253).contains(&key.len()) && key.chars().all(good)
}

/// RFC 1123's label.
fn is_label(text: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=63).contains(&text.len())
        && text.chars().all(|c| good(c) || c == '-')
        && text.starts_with(good)
        && text.ends_with(good)
}

/// RFC 1123's subdomain: labels with points between.
fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && !text.is_empty() && text.split('.').all(is_label)
}

fn is_host(text: &str) -> bool {
    is_subdomain(text.strip_prefix("*.").unwrap_or(text))
}

/// An absolute path in a container, without steps up.
fn is_mount(path: &str) -> bool {
    path.starts_with('/')
        && path.len() > 1
        && is_line(path)
        && !path.contains(':')
        && path.split('/').all(|part| part != "..")
}

/// A path in a repository.
fn is_repository_path(path: &str) -> bool {
    !path.is_empty()
        && !path.starts_with('/')
        && is_line(path)
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}
