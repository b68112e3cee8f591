// Package feeds keeps lists of indicators up to date: it reads them from files and URLs,
// keeps them as reference tables, and marks events with what they have.
//
// Start at Feeds.Run.
//
// What a list had stays in force while it can't be read, and through a crash
// (TestThreatListsMarkEvents in e2e).
package feeds
