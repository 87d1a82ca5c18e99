//! A workload as people type it: every field a text, lists one a line.

use super::{
    Autoscaling, ConfigFile, Container, Ingress, SecretVariable, Times, Volume, Workload, WorkloadKind,
    WorkloadOverride,
};
use crate::quota;
use crate::text::Text;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A workload in the fields of its form. What is empty is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkloadForm {
    /// [`WorkloadKind::key`].
    pub kind: String,
    /// A whole number.
    pub replicas: String,
    /// Which image of the release.
    pub image: String,
    /// One argument a line.
    pub command: String,
    /// 1 to 65535.
    pub port: String,
    /// A path.
    pub probe_path: String,
    /// A path.
    pub live_path: String,
    /// Cores, or thousandths as in `500m`.
    pub cpu: String,
    /// As `cpu`.
    pub cpu_limit: String,
    /// As in `256Mi`.
    pub memory: String,
    /// `NAME=value`, one a line.
    pub variables: String,
    /// `NAME=secret/key`, one a line.
    pub secrets: String,
    /// Files; one without a path is none.
    pub files: Vec<ConfigFile>,
    /// `name /path 5Gi`, one a line; without a size it goes with its pod.
    pub volumes: String,
    /// Further containers; one without a name is none.
    pub containers: Vec<ContainerForm>,
    /// The host of the ingress.
    pub ingress_host: String,
    /// What its paths begin with; empty: `/`.
    pub ingress_path: String,
    /// Its class.
    pub ingress_class: String,
    /// The Secret with its certificate.
    pub ingress_tls: String,
    /// The fewest pods of autoscaling; empty: 1.
    pub least: String,
    /// The most; empty: no autoscaling.
    pub most: String,
    /// The percentage of the CPU request aimed at; empty: 80.
    pub percent: String,
    /// When a cron job runs.
    pub cron: String,
    /// Its time zone; empty: UTC.
    pub zone: String,
    /// Paths in the repository, one a line.
    pub manifests: String,
    /// What differs, one for each environment.
    pub overrides: Vec<OverrideForm>,
}

/// A further container, in the fields of the form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerForm {
    /// A label.
    pub name: String,
    /// `true`: it runs to its end before the others start.
    pub init: String,
    /// Which image.
    pub image: String,
    /// One argument a line.
    pub command: String,
    /// As the main container's.
    pub cpu: String,
    /// As the main container's.
    pub memory: String,
    /// `NAME=value`, one a line.
    pub variables: String,
}

/// What differs in one environment, in the fields of the form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OverrideForm {
    /// The environment's key.
    pub environment: String,
    /// A whole number.
    pub replicas: String,
    /// As the main container's.
    pub cpu: String,
    /// As the main container's.
    pub memory: String,
    /// The most pods.
    pub most: String,
    /// A host name.
    pub host: String,
    /// When a cron job runs.
    pub cron: String,
    /// `NAME=value`, one a line.
    pub variables: String,
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

fn some(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// What could not be read, field by field.
#[derive(Default)]
struct Reading(Vec<(String, Text)>);

impl Reading {
    fn number<T: std::str::FromStr>(&mut self, field: &str, text: &str) -> Option<T> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let read = text.parse().ok();
        if read.is_none() {
            self.wrong(field, "write a whole number", "请填写整数");
        }
        read
    }

    fn amount(
        &mut self,
        field: &str,
        text: &str,
        read: fn(&str) -> Result<Option<i64>, quota::QuotaError>,
    ) -> Option<u32> {
        match read(text) {
            Ok(amount) => amount.and_then(|amount| u32::try_from(amount).ok()),
            Err(error) => {
                self.0.push((field.to_owned(), error.text()));
                None
            }
        }
    }

    fn variables(&mut self, field: &str, text: &str) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::new();
        for line in lines(text) {
            match line.split_once('=') {
                Some((name, value)) => {
                    variables.insert(name.trim().to_owned(), value.trim().to_owned());
                }
                None => self.wrong(
                    field,
                    &format!("write each as in LOG_LEVEL=info; “{line}” has no ="),
                    &format!("请逐行填写，如 LOG_LEVEL=info；“{line}”缺少 ="),
                ),
            }
        }
        variables
    }

    fn secrets(&mut self, text: &str) -> Vec<SecretVariable> {
        let mut secrets = Vec::new();
        for line in lines(text) {
            let parts = line.split_once('=').and_then(|(variable, from)| {
                let (secret, key) = from.trim().split_once('/')?;
                Some(SecretVariable {
                    variable: variable.trim().to_owned(),
                    secret: secret.to_owned(),
                    key: key.to_owned(),
                })
            });
            match parts {
                Some(secret) => secrets.push(secret),
                // The line is not repeated: somebody may have typed a secret.
                None => self.wrong(
                    "secrets",
                    "write each as in DB_PASSWORD=orders-db/password: the variable, the Secret, and the key in it; never the value",
                    "请逐行填写，如 DB_PASSWORD=orders-db/password：变量、Secret 名称及其中的键；不要填写值",
                ),
            }
        }
        secrets
    }

    fn volumes(&mut self, text: &str) -> Vec<Volume> {
        let mut volumes = Vec::new();
        for line in lines(text) {
            match volume(line) {
                Some(volume) => volumes.push(volume),
                None => self.wrong(
                    "volumes",
                    &format!("write each as in data /var/lib/app 5Gi; “{line}” is none"),
                    &format!("请逐行填写，如 data /var/lib/app 5Gi；“{line}”无法识别"),
                ),
            }
        }
        volumes
    }

    fn wrong(&mut self, field: &str, en: &str, zh: &str) {
        self.0.push((field.to_owned(), Text::new(en, zh)));
    }
}

fn volume(line: &str) -> Option<Volume> {
    let mut words = line.split_whitespace();
    let (name, path) = (words.next()?, words.next()?);
    let mib = match words.next() {
        Some(size) => Some(u32::try_from(quota::memory(size).ok()??).ok()?),
        None => None,
    };
    words.next().is_none().then(|| Volume {
        name: name.to_owned(),
        path: path.to_owned(),
        mib,
    })
}

impl WorkloadForm {
    /// The workload that was typed.
    ///
    /// # Errors
    /// What cannot be read or is not valid ([`Workload::check`]), field by field.
    pub fn read(&self) -> Result<Workload, Vec<(String, Text)>> {
        let mut reading = Reading::default();
        let ground = Workload::default();
        let workload = Workload {
            kind: WorkloadKind::from_key(self.kind.trim()).unwrap_or_default(),
            replicas: reading
                .number("replicas", &self.replicas)
                .unwrap_or(ground.replicas),
            image: self.image.trim().to_owned(),
            command: lines(&self.command).map(str::to_owned).collect(),
            port: reading.number("port", &self.port).filter(|port| *port > 0),
            probe_path: some(&self.probe_path),
            live_path: some(&self.live_path),
            cpu_millis: reading
                .amount("cpu", &self.cpu, quota::cpu)
                .unwrap_or(ground.cpu_millis),
            cpu_limit_millis: reading.amount("cpu_limit", &self.cpu_limit, quota::cpu),
            memory_mib: reading
                .amount("memory", &self.memory, quota::memory)
                .unwrap_or(ground.memory_mib),
            variables: reading.variables("variables", &self.variables),
            secrets: reading.secrets(&self.secrets),
            files: self.files.iter().filter_map(file).collect(),
            volumes: reading.volumes(&self.volumes),
            containers: self
                .containers
                .iter()
                .filter_map(|one| one.read(&mut reading))
                .collect(),
            ingress: some(&self.ingress_host).map(|host| Ingress {
                host,
                path: some(&self.ingress_path).unwrap_or_else(|| String::from("/")),
                class: self.ingress_class.trim().to_owned(),
                tls_secret: self.ingress_tls.trim().to_owned(),
            }),
            autoscaling: self.autoscaling(&mut reading),
            schedule: some(&self.cron).map(|cron| Times {
                cron,
                zone: some(&self.zone).unwrap_or_else(|| String::from("UTC")),
            }),
            manifests: lines(&self.manifests).map(str::to_owned).collect(),
            overrides: self.overrides(&mut reading),
        };
        if reading.0.is_empty() {
            reading.0 = workload.check();
        }
        if reading.0.is_empty() {
            Ok(workload)
        } else {
            Err(reading.0)
        }
    }

    fn autoscaling(&self, reading: &mut Reading) -> Option<Autoscaling> {
        let (least, percent) = (
            reading.number("least", &self.least),
            reading.number("percent", &self.percent),
        );
        reading.number("most", &self.most).map(|max| Autoscaling {
            min: least.unwrap_or(1),
            max,
            cpu_percent: percent.unwrap_or(80),
        })
    }

    fn overrides(&self, reading: &mut Reading) -> BTreeMap<String, WorkloadOverride> {
        self.overrides
            .iter()
            .map(|over| (over.environment.trim().to_owned(), over.read(reading)))
            .filter(|(key, over)| !key.is_empty() && *over != WorkloadOverride::default())
            .collect()
    }

    /// The fields of a workload, with what differs in each of the environments of those keys.
    pub fn of(workload: &Workload, environments: &[String]) -> Self {
        let ingress = workload.ingress.clone().unwrap_or_default();
        let times = workload.schedule.clone().unwrap_or_default();
        let scaling = |pick: fn(Autoscaling) -> u32| {
            workload
                .autoscaling
                .map(|scaling| pick(scaling).to_string())
                .unwrap_or_default()
        };
        let secret = |one: &SecretVariable| format!("{}={}/{}", one.variable, one.secret, one.key);
        let volume = |one: &Volume| match one.mib {
            Some(mib) => format!("{} {} {}", one.name, one.path, mebibytes(mib)),
            None => format!("{} {}", one.name, one.path),
        };
        Self {
            kind: workload.kind.key().to_owned(),
            replicas: workload.replicas.to_string(),
            image: workload.image.clone(),
            command: workload.command.join("\n"),
            port: workload.port.map(|port| port.to_string()).unwrap_or_default(),
            probe_path: workload.probe_path.clone().unwrap_or_default(),
            live_path: workload.live_path.clone().unwrap_or_default(),
            cpu: millicores(workload.cpu_millis),
            cpu_limit: workload.cpu_limit_millis.map(millicores).unwrap_or_default(),
            memory: mebibytes(workload.memory_mib),
            variables: write_variables(&workload.variables),
            secrets: join(workload.secrets.iter().map(secret)),
            files: workload.files.clone(),
            volumes: join(workload.volumes.iter().map(volume)),
            containers: workload.containers.iter().map(ContainerForm::of).collect(),
            ingress_host: ingress.host,
            ingress_path: ingress.path,
            ingress_class: ingress.class,
            ingress_tls: ingress.tls_secret,
            least: scaling(|scaling| scaling.min),
            most: scaling(|scaling| scaling.max),
            percent: scaling(|scaling| scaling.cpu_percent),
            cron: times.cron,
            zone: times.zone,
            manifests: workload.manifests.join("\n"),
            overrides: environments
                .iter()
                .map(|key| OverrideForm::of(key, workload.overrides.get(key)))
                .collect(),
        }
    }
}

fn file(typed: &ConfigFile) -> Option<ConfigFile> {
    let path = some(&typed.path)?;
    // Browsers send the line ends of HTTP.
    let content = typed.content.replace("\r\n", "\n");
    Some(ConfigFile { path, content })
}

impl ContainerForm {
    fn read(&self, reading: &mut Reading) -> Option<Container> {
        let ground = Workload::default();
        Some(Container {
            name: some(&self.name)?,
            init: self.init == "true",
            image: self.image.trim().to_owned(),
            command: lines(&self.command).map(str::to_owned).collect(),
            cpu_millis: reading
                .amount("containers", &self.cpu, quota::cpu)
                .unwrap_or(ground.cpu_millis),
            memory_mib: reading
                .amount("containers", &self.memory, quota::memory)
                .unwrap_or(ground.memory_mib),
            variables: reading.variables("containers", &self.variables),
        })
    }

    fn of(one: &Container) -> Self {
        Self {
            name: one.name.clone(),
            init: if one.init { "true" } else { "" }.to_owned(),
            image: one.image.clone(),
            command: one.command.join("\n"),
            cpu: millicores(one.cpu_millis),
            memory: mebibytes(one.memory_mib),
            variables: write_variables(&one.variables),
        }
    }
}

impl OverrideForm {
    fn read(&self, reading: &mut Reading) -> WorkloadOverride {
        WorkloadOverride {
            replicas: reading.number("overrides", &self.replicas),
            cpu_millis: reading.amount("overrides", &self.cpu, quota::cpu),
            memory_mib: reading.amount("overrides", &self.memory, quota::memory),
            most: reading.number("overrides", &self.most),
            host: some(&self.host),
            cron: some(&self.cron),
            variables: reading.variables("overrides", &self.variables),
        }
    }

    fn of(key: &str, over: Option<&WorkloadOverride>) -> Self {
        let over = over.cloned().unwrap_or_default();
        let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
        Self {
            environment: key.to_owned(),
            replicas: number(over.replicas),
            cpu: over.cpu_millis.map(millicores).unwrap_or_default(),
            memory: over.memory_mib.map(mebibytes).unwrap_or_default(),
            most: number(over.most),
            host: over.host.unwrap_or_default(),
            cron: over.cron.unwrap_or_default(),
            variables: write_variables(&over.variables),
        }
    }
}

fn join(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("\n")
}

fn write_variables(variables: &BTreeMap<String, String>) -> String {
    join(variables.iter().map(|(name, value)| format!("{name}={value}")))
}

fn millicores(millis: u32) -> String {
    format!("{millis}m")
}

fn mebibytes(mib: u32) -> String {
    format!("{mib}Mi")
}
