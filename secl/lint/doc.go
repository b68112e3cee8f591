// Package lint finds what is legal in a policy and hardly meant: conditions that
// can never hold or never matter, and rules that make the kernel send everything.
package lint
