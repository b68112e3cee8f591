package bench

import (
	"fmt"
	"strings"
)

// expressions are what people write rules about: 60 with what policyText makes of
// them. None is about what the workloads do.
var expressions = []string{
	`open.file.path == "/etc/shadow" && process.file.name not in ["sshd", "login", "su", "sudo"]`,
	`open.file.path in ["/etc/sudoers", "/etc/gshadow", "/etc/ld.so.preload"] && open.flags & (O_CREAT|O_RDWR|O_WRONLY) > 0`,
	`open.file.path in [~"/etc/cron.d/*", ~"/var/spool/cron/*"] && open.flags & (O_CREAT|O_RDWR|O_WRONLY) > 0`,
	`open.file.path in [~"/root/.ssh/*", ~"/home/*/.ssh/*"] && open.file.name in ["authorized_keys", "id_rsa", "id_ed25519"]`,
	`open.file.path in [~"/etc/systemd/system/*", ~"/usr/lib/systemd/system/*"] && open.flags & (O_CREAT|O_RDWR|O_WRONLY) > 0`,
	`open.file.path in [~"/etc/pam.d/*", ~"/lib/security/*"] && open.flags & (O_CREAT|O_RDWR|O_WRONLY) > 0`,
	`open.file.name in [".bash_history", ".zsh_history"] && open.flags & O_TRUNC > 0`,
	`open.file.path in ["/var/log/wtmp", "/var/log/lastlog", "/var/run/utmp"] && open.flags & (O_RDWR|O_WRONLY) > 0`,
	`open.file.path in [~"/proc/*/mem", ~"/proc/*/environ"] && process.file.name == "gdb-agent"`,
	`open.file.path == "/var/run/docker.sock"`,
	`unlink.file.path in [~"/var/log/*", ~"/var/log/**"] && process.file.name != "logrotate"`,
	`rename.file.path in [~"/usr/bin/*", ~"/usr/sbin/*"] && process.file.name != "dpkg"`,
	`rename.file.destination.path in ["/etc/passwd", "/etc/shadow"]`,
	`chmod.file.path in [~"/tmp/*", ~"/dev/shm/*"] && chmod.file.destination.mode & S_ISUID > 0`,
	`chown.file.path in ["/etc/passwd", "/etc/shadow"]`,
	`link.file.path in ["/etc/passwd", "/etc/shadow"]`,
	`mount.fs_type == "bpf-of-nobody"`,
	`ptrace.request == PTRACE_ATTACH && process.file.name == "nobody-injects"`,
	`load_module.name == "rootkit"`,
	`connect.addr.port == 4444 && connect.addr.ip not in [127.0.0.0/8]`,
	`bind.addr.port == 31337`,
	`setuid.uid == 0 && process.uid != 0 && process.file.name == "nobody-rises"`,
	`exec.file.path in [~"/dev/shm/*", ~"/var/tmp/*"]`,
	`exec.file.name in ["nmap", "masscan", "zmap"]`,
	`exec.file.name in ["sh", "bash", "dash"] && process.parent.file.name in ["nginx", "php-fpm", "apache2", "java"]`,
	`exec.args_flags in ["donate-level", "randomx-1gb-pages"]`,
	`exec.argv in [~"stratum+tcp://*"]`,
	`exec.file.name in ["curl", "wget"] && exec.args in [~"* 169.254.169.254*"]`,
	`exec.file.path == "/usr/bin/passwd"`,
	`exec.file.name == "kubectl" && container.id != ""`,
}

// policyText is a policy of 60 rules, one of which is of the caller's, if there is
// one.
func policyText(rule string) string {
	all := expressions
	for i := len(expressions); i < 60; i++ {
		if i%3 == 0 {
			all = append(all, fmt.Sprintf(`exec.file.path == "/opt/forbidden/tool%d"`, i))
		} else {
			all = append(all, fmt.Sprintf(`open.file.path == "/srv/honey/secret%d.txt"`, i))
		}
	}
	if rule != "" {
		all[59] = rule
	}
	var b strings.Builder
	b.WriteString("version: 1.0.0\nrules:\n")
	for i, e := range all {
		fmt.Fprintf(&b, "- id: rule_%d\n  expression: %q\n", i, e)
	}
	return b.String()
}
