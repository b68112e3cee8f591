// Package content holds what ships with nightjar: rules, the policy of an agent that
// is given none, and the sample log of the first start.
package content
