// Package bench measures the evaluation of the public default policy beside
// expr-lang and cel-go, which are given the same rules, translated mechanically,
// and the same events. Its libraries are imported by tests only.
package bench
