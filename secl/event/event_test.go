package event

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nightjar/secl"
)

// TestEveryTypeOfEventsHasFieldsAndEveryFieldAnEvent holds the model together.
func TestEveryTypeOfEventsHasFieldsAndEveryFieldAnEvent(t *testing.T) {
	m := Model()
	of := map[string]int{}
	for _, f := range m.Fields() {
		of[f.Event]++
		if f.Event != "" && m.Event(f.Event) == nil {
			t.Errorf("%s is of %s events, which there are none of", f.Name, f.Event)
		}
		if f.Iterator == nil && f.Never == "" && f.Stored != "" && declared().set[f.Name] == nil {
			t.Errorf("%s can't be set in a test", f.Name)
		}
	}
	for _, e := range m.Events() {
		if of[e.Name] == 0 && e.Platform == "linux" {
			t.Errorf("%s events have no fields", e.Name)
		}
	}
	if len(m.Fields()) < 900 || len(m.Constants()) < 900 {
		t.Errorf("only %d fields and %d constants", len(m.Fields()), len(m.Constants()))
	}
	for _, name := range Supported {
		if m.Event(name) == nil {
			t.Errorf("%s is supported and no type of events", name)
		}
	}
	for _, e := range m.Events() {
		for _, k := range KernelFilters(e.Name) {
			if f := m.Field(k.Field); f == nil || f.Event != "" && f.Event != e.Name {
				t.Errorf("%s events can't be filtered by %s", e.Name, k.Field)
			}
		}
	}
}

// TestConstantsHaveTheValuesOfLinux checks some of every kind.
func TestConstantsHaveTheValuesOfLinux(t *testing.T) {
	for name, want := range map[string]int64{
		"EPERM": -1, "EACCES": -13, "O_CREAT": 64, "S_ISUID": 0o4000, "CAP_SYS_ADMIN": 1 << 21, "SIGKILL": 9, "PTRACE_POKETEXT": 4,
		"PROT_EXEC": 4, "MAP_PRIVATE": 2, "MAP_HUGE_2MB": 21 << 26, "VM_EXEC": 4, "PIPE_BUF_FLAG_CAN_MERGE": 16, "AT_REMOVEDIR": 0x200,
		"AF_INET6": 10, "ETH_P_IP": 0x800, "IP_PROTO_UDP": 17, "A": 1, "AAAA": 28, "TXT": 16, "ANY": 255, "CLASS_INET": 1, "BPF_PROG_LOAD": 5,
		"BPF_MAP_TYPE_HASH": 1, "BPF_PROG_TYPE_KPROBE": 2, "BPF_LSM_MAC": 27, "BPF_PROBE_WRITE_USER": 36, "BPF_MAP_LOOKUP_ELEM": 1,
		"BPF_SNPRINTF": 165, "AUDIT_AUID_UNSET": 4294967295, "PR_SET_NAME": 15, "SOL_SOCKET": 1, "SO_ATTACH_FILTER": 26, "TLS_1_2": 0x303,
	} {
		if k, ok := Model().Constant(name); !ok || k.Value.Int != want {
			t.Errorf("%s is %d, want %d", name, k.Value.Int, want)
		}
	}
}

// TestArgumentsGiveFlagsAndOptions holds the examples of the language.
func TestArgumentsGiveFlagsAndOptions(t *testing.T) {
	p := &Process{}
	p.SetArgv([]string{"x", "-ln", "--version", "-T", "8", "--width=8", "-", "--", "file"})
	if want := []string{"l", "n", "ln", "version", "T"}; !slices.Equal(p.ArgsFlags, want) {
		t.Errorf("flags %v, want %v", p.ArgsFlags, want)
	}
	if want := []string{"T=8", "width=8"}; !slices.Equal(p.ArgsOptions, want) {
		t.Errorf("options %v, want %v", p.ArgsOptions, want)
	}
	if p.Args != "-ln --version -T 8 --width=8 - -- file" || p.Argv0 != "x" {
		t.Errorf("args %q, argv0 %q", p.Args, p.Argv0)
	}
}

// TestADecodedEventIsTheOneThatIsStored reads an event, stores it and reads that.
func TestADecodedEventIsTheOneThatIsStored(t *testing.T) {
	e, err := Decode([]byte(`{"type": "exec", "exec": {"file": {"path": "/usr/bin/a.so"}, "argv": ["-c", "x"]}, "process.uid": 7,
		"process.created_at": "now-1s", "container.tags": ["a:b"], "process.ancestors": [{"comm": "sh", "pid": 3}, {"comm": "init"}]}`), 5e9)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(Attributes(&secl.Context{Event: e}))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"evt":{"name":"exec"}`, `"created_at":4000000000`, `"extension":".so"`, `"args":"-c x"`, `"comm":["sh","init"]`, `"pid":[3,0]`, `"uid":7`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%s lacks %s", got, want)
		}
	}
}

// TestAWrongEventIsRefusedWithItsField names what is wrong.
func TestAWrongEventIsRefusedWithItsField(t *testing.T) {
	for text, want := range map[string]string{
		`{"type": "exec", "exec.uid": "x"}`:               "exec.uid: got x, want a whole number",
		`{"type": "exec", "open.flags": 1}`:               "open.flags: it is a field of open events, not of exec",
		`{"type": "exec", "exec.nothing": 1}`:             `no field "exec.nothing"`,
		`{"type": "nothing"}`:                             `no events have the type "nothing"`,
		`{"exec.uid": 1}`:                                 "the event has no type",
		`{"type": "exec", "exec.argv": "x"}`:              "exec.argv: got x, want a list",
		`{"type": "exec", "process.ancestors.length": 1}`: "can't be set",
		`[]`: "no JSON object",
	} {
		if _, err := Decode([]byte(text), 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

// A stored event has all of what its own process was called with, and the first kilobyte of
// what others were, which says how much there was.
func TestWhatOthersWereCalledWithIsCutInStoredEvents(t *testing.T) {
	script := strings.Repeat("ü", 60_000)
	shell := &Process{PID: 2, Comm: "sh"}
	shell.SetArgv([]string{"sh", "-c", script, "more"})
	own := &Process{PID: 3, Parent: shell}
	own.SetArgv([]string{"x", script})
	c := &secl.Context{Event: &Event{Type: "open", Process: own}}
	text := "{" + string(AppendJSON(nil, c)) + "}"
	var got struct {
		Process struct {
			Args, Argv any
			Parent     struct {
				Args string
				Argv []string
			}
			Ancestors struct{ Args, Argv []string }
		}
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if got.Process.Args != script {
		t.Error("the arguments of the event's own process are cut")
	}
	const said = "… (120008 bytes)"
	p := got.Process.Parent
	if len(p.Args) > mostOfOthers+len(said) || !strings.HasSuffix(p.Args, "ü"+said) {
		t.Errorf("the parent has %d bytes of arguments, which end in %q", len(p.Args), p.Args[max(len(p.Args)-40, 0):])
	}
	if last := len(p.Argv) - 1; last < 0 || p.Argv[last] != "… (3 in all)" || p.Argv[0] != "-c" || len(p.Argv[1]) > mostOfOthers+len(said) {
		t.Errorf("the parent's arguments are %.40q", p.Argv)
	}
	if a := got.Process.Ancestors; len(a.Args) != 1 || a.Args[0] != p.Args || !slices.Equal(a.Argv, p.Argv) {
		t.Errorf("the ancestors' arguments are %.40q and %.40q", a.Args, a.Argv)
	}
}

func TestAppendedJSONIsWhatAttributesSay(t *testing.T) {
	parent := &Process{PID: 2, UID: 7, Comm: "a\"\\\n\x01\xff", Argv: []string{"x", strings.Repeat("y", 2*mostOfOthers)}, Args: strings.Repeat("y", 2*mostOfOthers)}
	e := &Event{
		Type: "open", Timestamp: 3, Retval: -2, Async: true, RuleTags: []string{"a", "ü\u2028"},
		Process: &Process{PID: 1, Parent: parent, File: File{Path: "/x", Mode: 0o644}, Argv: []string{"", "b"}},
		File:    File{Path: "/etc/x", Name: "x"}, Container: Container{ID: "c"},
	}
	c := &secl.Context{Event: e}
	want, err := json.Marshal(Attributes(c))
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := json.Unmarshal(want, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte("{"+string(AppendJSON(nil, c))+"}"), &b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("got  %v\nwant %v", b, a)
	}
}

func FuzzAppendString(f *testing.F) {
	f.Add("a\"\\\n\x01\xff\u2028")
	f.Fuzz(func(t *testing.T, s string) {
		var got, want string
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(AppendString(nil, s), &got); err != nil || got != want {
			t.Errorf("%q is %q, want %q (%v)", s, got, want, err)
		}
	})
}

func TestARecordedEventIsReadAsItWas(t *testing.T) {
	e := &Event{
		Type: "open", Timestamp: 1_800_000_000_000_000_001, Retval: -2, Hostname: "h",
		Process: &Process{
			PID: 1, Comm: "x", Envs: []string{"A"}, File: File{Path: "/x", Name: "x", Mode: 0o100644},
			Parent: &Process{PID: 2, UID: 7, Parent: &Process{PID: 3, Comm: "init"}},
		},
		File: File{Path: "/etc/x", Name: "x"}, Open: Open{Flags: 2}, Container: Container{ID: "c"},
	}
	got, err := Decode(AppendRecord(nil, e), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range Model().Fields() {
		if f.Event != "" && f.Event != "open" || strings.HasPrefix(f.Name, "process.ancestors") {
			continue
		}
		a, b := storedValue(f, &secl.Context{Event: e}), storedValue(f, &secl.Context{Event: got})
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s is %v, want %v", f.Name, b, a)
		}
	}
	if p := got.Process.Parent; p == nil || p.Parent == nil || p.Parent.Comm != "init" {
		t.Errorf("the ancestors are %+v", p)
	}
}

// TestACGroupIsToldFromAnEarlierOne holds that a service that is started again has none of
// the variables that it had before.
func TestACGroupIsToldFromAnEarlierOne(t *testing.T) {
	key := func(inode int64) any {
		e := &Event{CGroup: CGroup{ID: "/system.slice/a.service", Inode: inode}}
		k, ok := World{}.CGroup(&secl.Context{Event: e})
		if !ok {
			t.Fatal("it has no cgroup")
		}
		return k
	}
	if key(1) != key(1) || key(1) == key(2) {
		t.Errorf("%v, %v", key(1), key(2))
	}
}
