//! What the system says of the server's processes.

use std::fs;

use anyhow::{Context, bail};

/// Seconds of the processor that these processes took until now, their own and the system's.
pub fn cpu(pids: &[u32]) -> anyhow::Result<f64> {
    pids.iter().map(|pid| cpu_of(&pid.to_string())).sum()
}

/// The same of this program.
pub fn own_cpu() -> anyhow::Result<f64> {
    cpu_of("self")
}

fn cpu_of(pid: &str) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| {
        format!("there is no process {pid}: give the pids of the server that runs now, --pid 1,2,3")
    })?;
    // The name in brackets may hold anything.
    let fields = stat.rsplit_once(')').map(|it| it.1).unwrap_or_default();
    let mut ticks = fields.split_whitespace().skip(11).map_while(|it| it.parse::<f64>().ok());
    match (ticks.next(), ticks.next()) {
        (Some(own), Some(system)) => Ok((own + system) / 100.0),
        _ => bail!("/proc/{pid}/stat does not look like Linux"),
    }
}

/// The most memory that these processes ever had, in MB. Pages that several processes share are divided among them.
pub fn peak_memory(pids: &[u32]) -> anyhow::Result<f64> {
    pids.iter().copied().map(peak_memory_of).sum()
}

fn peak_memory_of(pid: u32) -> anyhow::Result<f64> {
    let read = |file: &str| {
        let path = format!("/proc/{pid}/{file}");
        fs::read_to_string(path).with_context(|| format!("the process {pid} ended"))
    };
    let (status, maps) = (read("status")?, read("smaps_rollup")?);
    let kib = |text: &str, name: &str| -> anyhow::Result<f64> {
        let line = text.lines().find_map(|it| it.strip_prefix(name)).unwrap_or_default();
        let number = line.trim().trim_end_matches(" kB").parse();
        number.with_context(|| format!("no {name} in /proc/{pid}"))
    };
    let of_others = kib(&maps, "Rss:")? - kib(&maps, "Pss:")?;
    Ok((kib(&status, "VmHWM:")? - of_others) * 1024.0 / 1e6)
}

/// How many processes wanted to run, over the last minute.
pub fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}
