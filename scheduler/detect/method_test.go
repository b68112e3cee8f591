package detect

import (
	"testing"

	"nightjar/compiler"
)

// TestEveryMethodThatCompilesIsDetected has a method here for each that rules may have.
func TestEveryMethodThatCompilesIsDetected(t *testing.T) {
	for _, name := range compiler.Methods() {
		if methods[name] == nil {
			t.Errorf("rules of method %s compile, and are not detected", name)
		}
	}
	if n := len(compiler.Methods()); n != len(methods) {
		t.Errorf("%d methods compile, %d are detected", n, len(methods))
	}
}
