package event

import (
	"slices"
	"strings"

	"nightjar/secl"
)

// fileEvents are the events whose file the kernel side can filter by.
var fileEvents = strings.Fields("chdir chmod chown link load_module mkdir mmap open removexattr rename rmdir setxattr splice unlink utimes")

// KernelFilters are the fields of a type of events that the kernel side can
// filter by; none if it can't filter them.
func KernelFilters(kind string) []secl.Capability {
	var caps []secl.Capability
	for _, name := range fileEvents {
		if name != kind {
			continue
		}
		caps = append(caps,
			secl.Capability{Field: kind + ".file.path", Kinds: []secl.ValueKind{secl.KindScalar, secl.KindGlob}, Weight: 3, Valid: hasName},
			secl.Capability{Field: kind + ".file.name", Kinds: []secl.ValueKind{secl.KindScalar}, Weight: 2},
			secl.Capability{Field: "process.auid", Kinds: []secl.ValueKind{secl.KindScalar, secl.KindRange}, Weight: 1,
				ApproverOnly: true, Low: 0, High: AuditUnset - 1, UnsetIsRange: true},
		)
	}
	mask := []secl.ValueKind{secl.KindScalar, secl.KindBitmask}
	for _, field := range []string{
		"open.flags", "mmap.protection", "mmap.flags", "mprotect.vm_protection", "mprotect.req_protection",
		"splice.pipe_entry_flag", "splice.pipe_exit_flag", "bpf.cmd",
	} {
		if strings.HasPrefix(field, kind+".") {
			caps = append(caps, secl.Capability{Field: field, Kinds: mask})
		}
	}
	if kind == "setsockopt" {
		caps = append(caps, secl.Capability{Field: "setsockopt.optname", Kinds: []secl.ValueKind{secl.KindScalar}})
	}
	return caps
}

// hasName tells whether a path ends in a name: what the kernel side looks up.
func hasName(v secl.FieldValue) bool {
	name := v.Value.Text[strings.LastIndexByte(v.Value.Text, '/')+1:]
	return name != "" && !strings.Contains(name, "*")
}

// many are the types of which a busy host has thousands a second.
var many = []string{"open", "mmap", "mprotect", "unlink", "setxattr", "splice"}

// DearFilters are the KernelFilters of the types of which a busy host has so many events
// that a rule is felt because of which the kernel sends them all; none of the others.
func DearFilters(kind string) []secl.Capability {
	if !slices.Contains(many, kind) {
		return nil
	}
	return KernelFilters(kind)
}
