// Package sink speaks to where signals are told: webhooks, chats, pagers, trackers and
// mail.
//
// Start at Teller.Tell; a file each has what is said to a type of target. What events
// contain is escaped for where it goes, and does nothing there.
//
// What events contain does nothing where it is shown: TestEachTypeIsToldInItsOwnWords,
// TestMailIsPlainAndOneOfIt; an answer shows no secret: TestAnAnswerShowsNoSecret.
// One goes where the operator lets it go: TestASecretIsSentToItsPlacesOnly,
// TestARedirectTakesNoKeyOfPagerDutyAlong.
package sink
