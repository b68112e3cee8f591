package event

// Supported are the types of events that the agent sees, and SupportedActions
// what it does on a match. Rules about others load and never fire, and say so.
var (
	Supported = []string{
		"accept", "bind", "bpf", "capset", "chmod", "chown", "connect", "dns", "exec", "exit", "link", "load_module", "mkdir",
		"mmap", "mount", "mprotect", "open", "ptrace", "rename", "rmdir", "setgid", "setuid", "signal", "unlink",
	}
	SupportedActions = []string{"set", "kill", "hash", "log"}
)
