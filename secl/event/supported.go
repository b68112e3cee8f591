package event

// Supported are the types of events that the agent sees: rules about others load and
// never fire, and say so. SupportedActions are what it does on a match: rules with others
// are refused.
var (
	Supported = []string{
		"accept", "bind", "bpf", "capabilities", "capset", "cgroup_write", "chdir", "chmod", "chown", "connect", "dns", "exec", "exit", "imds",
		"link", "load_module", "login_uid_write", "mkdir", "mmap", "mount", "mprotect", "network_flow_monitor", "ondemand", "open", "prctl", "ptrace", "removexattr",
		"rename", "rmdir", "selinux", "setgid", "setrlimit", "setsockopt", "setuid", "setxattr", "signal", "splice", "sysctl", "tracer_memfd_seal",
		"unlink", "unload_module", "utimes",
	}
	SupportedActions = []string{"set", "kill", "hash", "log", "coredump", "network_filter"}
)
