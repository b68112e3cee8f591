// Package notifications serves who is told of signals: rules, targets, mutes, and what
// was told. Start at NotificationService. It sends nothing itself (notify does).
package notifications
