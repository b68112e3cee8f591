package agent

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// modulesVariable names a folder with modules of the kernel that runs, which
// agent/kerneltest has.
const modulesVariable = "NIGHTJAR_TEST_MODULES"

func init() {
	works["insmod"] = func(args []string) error {
		f, err := os.Open(args[0])
		if err != nil {
			return err
		}
		defer f.Close()
		return unix.FinitModule(int(f.Fd()), "numdummies=3", 0)
	}
	works["insmod from memory"] = func(args []string) error {
		image, err := os.ReadFile(args[0])
		if err != nil {
			return err
		}
		return unix.InitModule(image, "")
	}
	works["rmmod"] = func(args []string) error { return unix.DeleteModule(args[0], 0) }
}

func TestModulesThatAreLoadedAndUnloadedAreSeen(t *testing.T) {
	dir := os.Getenv(modulesVariable)
	if dir == "" {
		t.Skipf("needs root or another kernel: no %s: make test-kernels has modules", modulesVariable)
	}
	module := filepath.Join(dir, "dummy.ko")
	w := watch(t, `
		loaded: load_module.name == "dummy" && load_module.retval == 0
		unloaded: unload_module.name == "dummy" && unload_module.retval == 0
	`)
	from := w.one("loaded", do(t, "insmod", module))
	if m := from.event; m.File.Path != module || m.LoadModule.Args != "numdummies=3" || m.LoadModule.InRAM {
		t.Errorf("loaded %+v of %s", m.LoadModule, m.File.Path)
	}
	w.one("unloaded", do(t, "rmmod", "dummy"))
	memory := w.one("loaded", do(t, "insmod from memory", module))
	if m := memory.event; !m.LoadModule.InRAM || m.File.Path != "" {
		t.Errorf("loaded from memory: %+v of %s", m.LoadModule, m.File.Path)
	}
	w.one("unloaded", do(t, "rmmod", "dummy"))
	w.stop()
	w.adds()
}
