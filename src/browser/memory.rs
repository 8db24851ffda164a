//! How much memory a browser takes: all of its processes together.

/// Memory of a group of processes in bytes, where the system tells it. What they share counts for each.
pub fn of_group(group: u32) -> Option<u64> {
    let processes = std::fs::read_dir("/proc").ok()?;
    let kibibytes = processes
        .filter_map(|process| {
            let process = process.ok()?.path();
            let stat = std::fs::read_to_string(process.join("stat")).ok()?;
            (group_of(&stat)? == group).then_some(())?;
            let status = std::fs::read_to_string(process.join("status")).ok()?;
            resident_kibibytes(&status)
        })
        .sum::<u64>();
    Some(kibibytes * 1024)
}

/// The process group of a line of `/proc/PID/stat`; the name before it may hold anything but a newline.
fn group_of(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(')')?;
    // State, parent, group.
    rest.split_whitespace().nth(2)?.parse().ok()
}

fn resident_kibibytes(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_read() {
        assert_eq!(group_of("77 (a) b (c) S 1 4711 4711 0"), Some(4711));
        assert_eq!(group_of("77 (a"), None);
        assert_eq!(
            resident_kibibytes("Name:\ta\nVmRSS:\t  1234 kB\n"),
            Some(1234)
        );
        assert_eq!(resident_kibibytes("Name:\tkernel thread\n"), None);
    }
}
