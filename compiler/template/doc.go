// Package template renders the titles and messages of signals: the
// Handlebars-like language of rule documents, with the data of one signal.
//
// It promises that what an event contains is never read as a template, never
// acts as markup where the text goes, and that every rendering ends: there are
// no loops, and work and output are bounded. It does not know rules, plans or
// who is notified; it reads no clock. Time zones are looked up when a template
// is parsed, from the system or, where that has none, from the binary.
//
// Start at Parse. What an event contains is never expanded, and output is bounded:
// FuzzRender.
package template
