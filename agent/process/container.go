package process

import "strings"

// newGroup reads what the path of a cgroup says about a container, and who
// manages it.
func newGroup(path string) *Group {
	g := &Group{}
	g.ID = path
	g.Manager = "systemd"
	segments := strings.Split(strings.Trim(path, "/"), "/")
	if segments[0] == "" || !strings.ContainsAny(path, ".") {
		g.Manager = ""
	}
	for i, segment := range segments {
		id, manager := containerOf(segment)
		if id == "" {
			continue
		}
		if manager == "" && i > 0 {
			manager = managers[strings.SplitN(segments[i-1], "-", 2)[0]]
		}
		if manager == "" && strings.Contains(path, "kubepods") {
			manager = "containerd"
		}
		g.Container.ID, g.Container.Runtime, g.Manager = id, manager, manager
	}
	return g
}

// InContainer reports whether the path of a cgroup is one of a container.
func InContainer(path string) bool { return newGroup(path).Container.ID != "" }

// managers are those that say who they are in front of the id of a container.
var managers = map[string]string{
	"docker": "docker", "cri-containerd": "containerd", "containerd": "containerd", "crio": "cri-o", "cri-o": "cri-o",
	"libpod": "podman", "podman": "podman", "lxc": "lxc", "lxc.payload": "lxc", "nspawn": "systemd", "default": "containerd",
	"ecs": "containerd", "garden": "garden", "system.slice:docker": "docker",
}

// containerOf finds the id of a container in one segment of a cgroup's path:
// 64 hexadecimal digits, with who manages it in front and .scope behind
// (docker-<id>.scope), the form of ECS (32 digits, a dash, and a number), or that
// of a container of Garden (8-4-4-4-4).
func containerOf(segment string) (id, manager string) {
	name := strings.TrimSuffix(segment, ".scope")
	const full, short = 64, 32
	if len(name) >= full && isHex(name[len(name)-full:]) {
		prefix := strings.TrimSuffix(strings.TrimSuffix(name[:len(name)-full], "-"), ":")
		if prefix == "" {
			return name, ""
		}
		if at := strings.LastIndexAny(prefix, ":"); at >= 0 { // kubelet with systemd: slice:cri-containerd:<id>
			prefix = prefix[at+1:]
		}
		if strings.HasSuffix(prefix, "conmon") {
			return "", "" // the monitor beside a container
		}
		return name[len(name)-full:], managers[prefix]
	}
	if dash := strings.IndexByte(name, '-'); dash == short && isHex(name[:short]) && isDigits(name[short+1:]) {
		return name, "containerd"
	}
	const garden = 28
	if len(name) == garden && isGarden(name) {
		return name, "garden"
	}
	return "", ""
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return s != ""
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func isGarden(s string) bool {
	parts := strings.Split(s, "-")
	if len(parts) != 5 || len(parts[0]) != 8 {
		return false
	}
	for i, p := range parts {
		if i > 0 && len(p) != 4 || !isHex(p) {
			return false
		}
	}
	return true
}
