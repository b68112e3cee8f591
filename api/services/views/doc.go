// Package views serves saved views: named addresses of the lists, and named statements; and
// the demo. Start at ViewService, and at DemoService.
//
// It promises that nobody sees or changes a view of somebody else that is not shared
// (TestViewsAreTheirOwnersUnlessTheyAreShared), and that a demo leaves nothing behind but
// events that say that they are one.
package views
