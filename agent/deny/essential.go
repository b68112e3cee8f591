package deny

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"nightjar/secl/policy"
)

// A denial has no limit. So what nobody gets onto a host without, to mend its rules, is
// not denied because of a rule whose author has not asked for as much: it is killed, within
// the limits of the disarmer.

// essentialPrograms are those that a login needs, in any of essentialFolders.
var essentialPrograms = strings.Fields("sh bash rbash dash ash zsh ksh mksh fish busybox login su sudo doas agetty getty")

var essentialFolders = strings.Fields("/bin /sbin /usr/bin /usr/sbin /usr/local/bin")

// essentialFiles are those that next to every program opens.
var essentialFiles = strings.Fields("/etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.cache /etc/ld.so.preload /dev/null /dev/zero /dev/tty /dev/ptmx /dev/urandom")

// essentialLibraries are beginnings of names of libraries, in whatever folder of libraries.
var essentialLibraries = strings.Fields("ld-linux ld-musl ld-2. ld.so libc.so libc.musl libc-2. libpam libcrypt.so libpthread libdl. libtinfo")

// essential reports whether a host is hard to get onto, or to work on, where a file can't
// be executed or opened.
func essential(at string) bool {
	folder, name := path.Split(at)
	folder = path.Clean(folder)
	beginsSo := func(one string) bool { return strings.HasPrefix(name, one) }
	switch {
	case slices.Contains(essentialFolders, folder) && slices.Contains(essentialPrograms, name):
		return true
	case strings.HasPrefix(folder, "/lib") || strings.HasPrefix(folder, "/usr/lib"):
		return slices.ContainsFunc(essentialLibraries, beginsSo)
	}
	return slices.Contains(essentialFiles, at)
}

// withoutLimit reports whether the author of a rule has said that nothing stops it.
func withoutLimit(r *policy.Rule) bool {
	return slices.ContainsFunc(r.Actions, func(a *policy.Action) bool { return forbids(a) && a.ActionDef.Kill.NoExecutableDisarmer })
}

// deniable are the files of a rule that are denied before it happens; and of others why
// they are not.
func deniable(r *policy.Rule, paths []string, protected func(string) bool) (out, notes []string) {
	for _, at := range paths {
		switch {
		case protected != nil && protected(at):
			notes = append(notes, at+": it is a protected program")
		case essential(at) && !withoutLimit(r):
			notes = append(notes, fmt.Sprintf("%s: the host is hard to get onto without it, so it is not denied, and what uses it is killed within the limits of the disarmer; disable_executable_disarmer denies it", at))
		default:
			out = append(out, at)
		}
	}
	return out, notes
}
