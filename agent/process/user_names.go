package process

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"time"
)

// names are the names of users and groups, for each mount namespace: a container
// has its own.
type names struct {
	own  uint32 // mount namespace of the agent
	list map[uint32]*accounts
}

// accounts are those of one namespace. They are read again when they are old: an
// account may have been added.
type accounts struct {
	root          string
	users, groups map[uint32]string
	read          time.Time
}

const (
	maxNamespaces = 512
	staleAfter    = 30 * time.Second
)

func newNames() *names {
	n := &names{list: map[uint32]*accounts{}}
	if link, err := os.Readlink("/proc/self/ns/mnt"); err == nil {
		id, _ := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(link, "mnt:["), "]"), 10, 32)
		n.own = uint32(id)
	}
	return n
}

// of finds the accounts of a namespace; pid is a process in it.
func (n *names) of(namespace, pid uint32) *accounts {
	a := n.list[namespace]
	if a == nil {
		if len(n.list) >= maxNamespaces {
			clear(n.list)
		}
		a = &accounts{}
		n.list[namespace] = a
	}
	if namespace != n.own {
		a.root = "/proc/" + strconv.Itoa(int(pid)) + "/root"
	}
	return a
}

func (a *accounts) user(id uint32) string {
	a.load()
	return a.users[id]
}

func (a *accounts) group(id uint32) string {
	a.load()
	return a.groups[id]
}

func (a *accounts) load() {
	if a.users != nil && time.Since(a.read) < staleAfter {
		return
	}
	a.read = time.Now()
	if users := readAccounts(a.root + "/etc/passwd"); users != nil || a.users == nil {
		a.users = users
		a.groups = readAccounts(a.root + "/etc/group")
	}
	if a.users == nil {
		a.users = map[uint32]string{}
	}
}

// readAccounts reads name:x:id:… lines; nil if there is no such file.
func readAccounts(file string) map[uint32]string {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	out := map[uint32]string{}
	const most = 10_000
	for s := bufio.NewScanner(f); s.Scan() && len(out) < most; {
		fields := strings.Split(s.Text(), ":")
		if len(fields) < 3 {
			continue
		}
		id, err := strconv.ParseUint(fields[2], 10, 32)
		if err != nil {
			continue
		}
		if _, taken := out[uint32(id)]; !taken {
			out[uint32(id)] = fields[0]
		}
	}
	return out
}
