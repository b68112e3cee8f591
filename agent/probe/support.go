package probe

import (
	"maps"
	"slices"
	"strings"
)

// Support says whether a type of events is seen on this kernel.
type Support struct {
	Event   string   `json:"event"`
	Seen    bool     `json:"seen"`
	Hooks   []string `json:"hooks"`             // that see it
	Without []string `json:"without,omitempty"` // what is missing, and why
}

// lacks says what an optional program's absence costs a type that others see too;
// of a type that is not in it, nothing is seen.
var lacks = map[string]map[string]string{
	"on_enter":       {"splice": "pipe_entry_flag"},
	"lsm_mprotect":   {"mprotect": "vm_protection"},
	"lsm_unlink":     {"unlink": changed},
	"lsm_rmdir":      {"rmdir": changed},
	"lsm_mkdir":      {"mkdir": changed},
	"lsm_rename":     {"rename": changed},
	"lsm_link":       {"link": changed},
	"lsm_chmod":      {"chmod": changed},
	"lsm_chown":      {"chown": changed},
	"lsm_mount":      {"mount": changed},
	"on_module_load": {"load_module": "the name of a module that is loaded from memory"},
	"on_signal":      {"signal": "signals that arrive; failures are seen"},
	"on_socket":      both("the process of what a socket gets before it sends or connects"),
	"on_connect4":    both("the process of a connection that another one's socket makes"),
	"on_connect6":    both("the process of a connection that another one's socket makes"),
	"on_egress":      both("requests"),
	"on_ingress":     both("responses"),
	"on_uring":       asked("open", "unlink", "rmdir", "rename", "mkdir", "link", "connect"),
}

// changed is what LSM hooks see, and the names that a caller wrote do not tell.
const changed = "the file itself, where its path changes between check and use, and a removed file's inode"

// both is for what DNS and the metadata service have in common.
func both(what string) map[string]string { return map[string]string{"dns": what, "imds": what} }

func asked(events ...string) map[string]string {
	out := map[string]string{}
	for _, e := range events {
		out[e] = "what is asked for through io_uring"
	}
	return out
}

// Missing says in lines what is missing with these hooks, and why; events that miss
// the same stand in one.
func Missing(hooks []Hook) []string {
	events := map[string][]string{}
	for _, s := range SupportOf(hooks) {
		for _, what := range s.Without {
			events[what] = append(events[what], s.Event)
		}
	}
	var out []string
	for what, list := range events {
		out = append(out, strings.Join(list, ", ")+" without "+what)
	}
	slices.Sort(out)
	return out
}

// NotYet says of the types of events that no program is written for why that is.
func NotYet() []Support {
	return []Support{{Event: "packet", Without: []string{
		"any of it: the agent compiles no filters of pcap yet, without which every packet of the host would leave the kernel, and does not know the process of a connection that was accepted before it is closed",
	}}}
}

// SupportOf says of every type of events that hooks are for whether it is seen.
func SupportOf(hooks []Hook) []Support {
	all := map[string]*Support{}
	for _, h := range hooks {
		for _, e := range h.Events {
			if all[e] == nil {
				all[e] = &Support{Event: e}
			}
			all[e].add(h)
		}
	}
	var out []Support
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, *all[name])
	}
	return out
}

func (s *Support) add(h Hook) {
	switch what := lacks[h.Name][s.Event]; {
	case h.Attached:
		_, name, _ := strings.Cut(h.Name, "_")
		s.Seen, s.Hooks = true, append(s.Hooks, name+" ("+h.Kind+")")
	case what != "":
		s.Without = append(s.Without, what+": "+h.Reason)
	default:
		s.Without = append(s.Without, "any of it: "+h.Reason)
	}
}
