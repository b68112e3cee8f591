package policy

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"nightjar/secl"
)

// Host is what filters of rules ask about.
type Host struct {
	OS            string // linux or windows
	ID, VersionID string // as in os-release: debian, 12
	PrettyName    string
	KernelVersion [3]int64 // major, minor, patch
	KernelFlavor  string
	Origin        string   // ebpf or ebpfless
	Envs          []string // NAME=value
}

// ParseKernel reads what uname -r says: 6.1.0-18-cloud-amd64.
func (h *Host) ParseKernel(release string) {
	version, flavor, _ := strings.Cut(release, "-")
	h.KernelFlavor = flavor
	for i, part := range strings.SplitN(version, ".", 3) {
		h.KernelVersion[i], _ = strconv.ParseInt(part, 10, 64)
	}
}

// hostModel is the model of filters.
var hostModel = sync.OnceValue(func() *secl.Model {
	m := secl.NewModel()
	host := func(c *secl.Context) *Host { return c.Event.(*Host) }
	for name, read := range map[string]func(*Host) string{
		"os": func(h *Host) string { return h.OS }, "os.id": func(h *Host) string { return h.ID },
		"os.version_id": func(h *Host) string { return h.VersionID }, "os.pretty_name": func(h *Host) string { return h.PrettyName },
		"os.platform_id": func(h *Host) string { return h.ID }, "kernel.version.flavor": func(h *Host) string { return h.KernelFlavor },
		"origin": func(h *Host) string { return h.Origin },
	} {
		m.AddField(secl.Field{Name: name, Read: func(c *secl.Context) string { return read(host(c)) }})
	}
	for i, name := range []string{"major", "minor", "patch"} {
		m.AddField(secl.Field{Name: "kernel.version." + name, Read: func(c *secl.Context) int64 { return host(c).KernelVersion[i] }})
	}
	m.AddField(secl.Field{Name: "kernel.version.abi", Read: func(c *secl.Context) int64 {
		abi, _, _ := strings.Cut(host(c).KernelFlavor, "-")
		n, _ := strconv.ParseInt(abi, 10, 64)
		return n
	}})
	for name, read := range map[string]func(*Host) bool{
		"os.is_amazon_linux": func(h *Host) bool { return h.ID == "amzn" }, "os.is_cos": func(h *Host) bool { return h.ID == "cos" },
		"os.is_debian": func(h *Host) bool { return h.ID == "debian" }, "os.is_oracle": func(h *Host) bool { return h.ID == "ol" },
		"os.is_rhel": func(h *Host) bool { return h.ID == "rhel" || h.ID == "centos" },
		"os.is_sles": func(h *Host) bool { return h.ID == "sles" }, "os.is_suse": func(h *Host) bool { return strings.Contains(h.ID, "suse") },
	} {
		m.AddField(secl.Field{Name: name, Read: func(c *secl.Context) bool { return read(host(c)) }})
	}
	m.AddField(secl.Field{Name: "envs", Read: func(c *secl.Context) []string { return host(c).Envs }})
	return m
})

// accepts tells whether any of the filters is for this host. Without filters, or
// without a host, everything is. A filter that is wrong is reported and for no
// host.
func (l *loader) accepts(filters []string, report func(error)) bool {
	accepted := len(filters) == 0
	for _, text := range filters {
		filter, err := secl.Check(text, &secl.Env{Model: hostModel()})
		if err != nil {
			report(fmt.Errorf("filter %q: %w", text, err))
			continue
		}
		if l.Host == nil || secl.Compile(filter).Match(&secl.Context{Event: l.Host}) {
			accepted = true
		}
	}
	return accepted
}
