// Package intel knows addresses, domains, hashes and URLs that feeds warn of, and
// marks events that have one.
//
// Start at Index for matching, at Read for the forms in which lists come.
//
// Lists mean the same in every form (TestListsInEveryForm,
// FuzzRead).
package intel
