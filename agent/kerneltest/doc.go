// Command kerneltest runs the agent's tests, root and all, in kernels that are
// not this machine's: stock Debian kernels under QEMU, without KVM. It fetches
// the kernels by their package's name through apt, with the machine's own sources
// and keys; builds the test binaries statically; boots each kernel into an
// initramfs that has them; and tells per kernel what passed, failed and was
// skipped. It fails when a test does, when a kernel does not come to its end, and
// when nothing was tested.
//
// README.md has what it needs and what was measured.
//
// What did not run has not passed: TestWhatDidNotRunHasNotPassed.
package main
