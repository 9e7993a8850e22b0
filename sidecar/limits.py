"""Every bound of the program, with its unit in its name and its reason beside it.

Known to every room; knows none. A number that limits something and stands elsewhere is a defect.
"""

# --- store -----------------------------------------------------------------------------------------------------------
# FoundationDB's own (7.3 documentation, "Known Limitations"); both engines keep them.
store_value_bytes_max = 100_000
store_key_bytes_max = 10_000
store_transaction_bytes_max = 10_000_000
store_read_window_seconds = 5.0  # an older read version is answered with 1007, which also lets LMDB reuse pages
store_embedded_key_bytes_max = 510  # LMDB stops at 511, of which one byte is our prefix
store_window_commits_max = 65_536  # commits kept for the conflict check: 5 s at 13,000 a second
store_window_keys_max = 500_000  # written keys and ranges kept for it: some 100 MB at the worst
store_batch_transactions_max = 10_000  # in one group commit; the order in a batch has 2 bytes
store_batch_bytes_max = 32_000_000  # the same, so that a burst of large ones is not one huge LMDB transaction
store_retries_max = 1_000  # every group commit lets at least one of those who conflict through
store_too_old_retries_max = 5  # a body that outlives the window does so again; growth of the map is over by then
store_watches_max = 10_000  # FoundationDB's default for one client
store_threads_max = 8  # workers: for background bodies, and for every body on FoundationDB
store_transaction_ms_max = 10_000  # on FoundationDB, with its retries: twice the five seconds that one attempt has
store_opening_ms_max = 8_000  # the same: who waits for an answer gets one within ten seconds, the network's start too
store_leaving_ms_max = 300  # the same, for what is tidied up at the end: stopping has 5 s, and the cluster may be away
store_skipped_segments_max = 100  # that one request of a walk may span beyond its own, as FoundationDB's client does
store_clears_doubled_max = 20  # times that the number of cleared keys which one may span is doubled, the same
store_marks_kept_seconds = 60  # of commits on FoundationDB: well beyond the time that a transaction may take
store_marks_cleared_max = 1_000  # of killed engines, at an opening
store_backup_page_rows = 1_000  # rows read at a time, so that a backup holds no lock for long
store_restore_chunk_bytes = 1_000_000  # written in one transaction by a restore
store_backup_attempts_max = 5  # growth of the map ends a backup's snapshot; it begins again
store_embedded_snapshots_max = 512  # LMDB reader slots
store_embedded_spare_transactions_max = 4  # read transactions that LMDB keeps for the next snapshot
store_map_bytes_start = 64 * 2**30  # address space; the file itself grows as it is used
store_map_bytes_windows = 64 * 2**20  # Windows allocates the whole map, so it starts small and grows
store_map_bytes_max = 2**42
store_walk_bytes_max = 2_000_000_000  # after a crash a file up to this size is walked first: 1.4 s for 150 MB
store_disk_free_bytes_min = 4_000_000  # with less free after a failed write, the disk is called full

# --- keys and values -------------------------------------------------------------------------------------------------
key_bytes_max = 480  # our own keys: below the embedded engine's limit with room for the root prefix
key_workspace_path_bytes_max = 150  # a longer path keeps its head and hashes its tail
key_file_path_bytes_max = 230  # the same
key_tenants_cached_max = 256  # prefixes of tenants that are not packed anew,
key_spaces_cached_max = 16_384  # and of their kinds and indexes
key_ids_cached_max = 4_096  # ids that are not parsed anew
tenants_decoded_max = 256  # tenants whose records are not decoded anew
timestamps_cached_max = 64  # one transaction asks for the same time again and again
value_inline_bytes_max = 90_000  # below the store's 100,000; more goes to chunks
change_row_bytes_max = 80_000  # a transaction's changes are split into rows below this
blob_slice_bytes = 80_000  # of a chunked value in one row; with its header below value_inline_bytes_max
blob_bytes_max = 8_388_608  # one value; a request's body has no more, and one transaction still holds it
blob_upload_bytes = 1_000_000  # of a large value in one transaction: FoundationDB is at its best below 1 MB
blob_grace_seconds = 3_600  # what nothing names is kept so long: its record may be on the way

# --- changes ---------------------------------------------------------------------------------------------------------
changes_page_rows_max = 200  # rows read from the log at a time: a few MB at the worst
changes_skim_rows_max = 50  # the same where only some kinds are decoded: 4 MB at the worst
changes_age_days_max = 14
changes_message_bytes_max = 524_288  # many WebSocket clients refuse messages over 1 MiB by default
feed_read_bytes_max = 65_536  # decoded at once for the ring: two or three milliseconds of the event loop
feed_passed_over_max = 1_000  # changes that a socket does not want, until it gets a newer cursor all the same,
feed_passed_over_seconds_max = 30.0  # or so long after the first of them: no more often than a heartbeat
feed_ring_changes_max = 20_000  # newest changes kept in memory for listeners near the head: about 8 MB
subscribers_max = 200
subscribers_unknown_max = 50  # that have not shown a token yet; they have five seconds
topics_max = 50
subscriber_send_seconds_max = 20.0  # a client whose socket takes nothing for so long is closed with its last cursor

# --- records ---------------------------------------------------------------------------------------------------------
name_chars_max = 200
path_bytes_max = 4_096  # Linux PATH_MAX
path_base64_chars_max = 5_464  # the same in base64
mime_type_chars_max = 127
mime_types_cached_max = 1_024  # by extension
email_chars_max = 254  # RFC 5321 allows no longer path,
email_local_bytes_max = 64  # and no longer part before the "@"
password_hash_chars_max = 256  # argon2id's text form has about 100
client_text_chars_max = 400  # an address, a User-Agent: cut, they are only shown
tenant_features_max = 100
plan_users_max = 5
plan_workspace_sessions_max = 10_000
plan_storage_bytes_max = 10_000_000_000
plan_exact_within = 1_000  # records below a plan's bound: more than there are requests under way, which store one each
plan_requests_per_minute_max = 600_000  # stops a runaway loop, and is far above what all windows of a person ask
plan_requests_per_minute_min = 60  # fewer, and an admin could not set it back
page_items_default = 100
page_items_max = 1_000
page_bytes_max = 4_000_000  # of stored records that a page holds; a larger one stands alone, with up to 8 MB
page_read_rows = 100  # of a page that are read at a time: 9 MB at the worst
page_reads_max = 10  # a list that filters reads at most so many pages for one; then it answers a short page

# --- state of sessions, conversations and the rest -------------------------------------------------------------------
text_chars_max = 1_000  # a path's label, a command, a condition, a summary's title
long_text_chars_max = 20_000  # a description, a summary, a decision
content_chars_max = 8_000_000  # an unsaved buffer, a message: what one request can carry
tags_max = 50
tag_chars_max = 60  # four bytes each at the worst, and a tag is part of a key
related_max = 200  # ids of related records
editor_groups_max = 50
editor_tabs_max = 1_000
selections_max = 1_000
terminals_max = 50
terminal_arguments_max = 200
terminal_commands_max = 500
scrollback_chars_max = 1_000_000
breakpoints_max = 2_000
session_files_max = 5_000  # active files, context files
memory_items_max = 2_000  # facts, decisions
tree_nodes_max = 200_000  # values in one state object, ours and those that we only keep
tree_sparse_nodes_max = 16_000  # so few are below that also with the fields that were left out: a tab has eleven
tree_depth_max = 50
session_state_bytes_max = 8_388_608  # all parts of one session: one request, one transaction
split_at_once_bytes_max = 100_000  # a session this small is split on the event loop: below a millisecond
state_hole_bytes_min = 4_096  # a string of a session's state with so much JSON text is a blob of its own
agent_tools_max = 500
session_open_seconds = 86_400  # changed within a day: what is recorded in its workspace is recorded in it
setting_category_chars_max = 40  # ASCII; with its key it stays well below key_bytes_max
setting_key_chars_max = 120
event_type_chars_max = 60
token_count_max = 1_000_000_000
version_max = 999_999_999  # of a record: one change a second for thirty years,
version_imported_max = version_max // 2  # of which one that is imported has half before it
latest_leaps_max = 2_000  # between a user's sessions and a workspace's, to the latest of both: 20 ms at the worst
related_scan_rows_max = 10_000  # entries of one tag, and recent sessions, that a search for related ones looks at

# --- retention and other long work -----------------------------------------------------------------------------------
job_batch_rows_max = 500  # that one transaction of a job changes, with what their records name: below a second, 10 MB
job_read_rows = 50  # of those that are read at a time: below 5 MB
doctor_batch_changes = 500  # of the log, compared with their records in one step
doctor_batch_rows = 1_000  # rows that one step of the doctor looks at: on a cluster too, well below 5 s
deletion_bytes_enough = 250_000  # one transaction that comes to so much goes on with no further batch: some 1,000 rows
clear_batch_rows_max = 1_000  # rows that one transaction of a tenant's removal clears
audit_age_days_max = 365
files_deleted_days_max = 30
changes_kept_max = 500_000  # in one tenant's log, some 150 MB: six scans of 80,000 files, or weeks of editing
snapshot_interval_seconds = 60  # an automatic snapshot is not taken more often
snapshots_all_seconds = 3_600  # history keeps every snapshot of the last hour,
snapshots_hourly_seconds = 86_400  # one of each hour for a day,
snapshots_daily_seconds = 30 * 86_400  # one of each day for so long; labelled ones stay
retention_first_seconds = 300.0  # behind a start, also of a daemon that runs for an hour a day
retention_interval_seconds = 3_600.0
retention_jitter_seconds = 900.0

# --- watching --------------------------------------------------------------------------------------------------------
workspaces_max = 100
hash_read_bytes = 1_048_576  # measured: reads of 1 MB in two threads reach the disk's and the CPU's floor
hash_threads_max = 2
hash_attempts_max = 5  # a file that changes while it is read is read again, then left for the next event
scan_batch_files_max = 2_000  # measured: fewer, larger commits that overlap with hashing
scan_batch_bytes_max = 3_000_000
free_keys_min = 64  # so many new files at once are looked up by one range; each read may wait for the interpreter
racy_window_ms = 2_000  # a file younger than this at hashing is checked again
debounce_ms = 50  # events are gathered this long before directories are listed
full_scan_interval_seconds = 3_600.0
full_scan_jitter_seconds = 600.0
dirty_directories_max = 5_000  # more at once starts a full comparison
dirty_names_max = 50_000  # the same for the names in them
named_paths_max = 64  # so many touched names of a folder are looked at one by one; for more the folder is listed
startup_doubt_ms = 10_000  # files written so shortly before the last commit are read again at the start
run_files_max = 1_000  # of a folder that are looked at as one; 43,000 are let go of in 9 ms, and nothing runs meanwhile
names_sorted_at_once_max = 10_000  # of a folder; in 2 ms, the same
file_modes_cached_max = 256  # kinds of files by their modes
ignore_files_cached_max = 256  # parsed ignore files kept by content
large_ignore_files_cached_max = 8
ignore_file_bytes_max = 1_048_576  # some 60,000 lines, half a second; git's own bound is 100 MB: a minute
ignore_globs_bytes_max = (
    32_768  # of a file's patterns that no table finds, some 2,000: at worst 35 ms a name (measured)
)
ignore_suffixes_compared_max = 100  # of a file; whether a name ends with one of a few is quickly told
ignore_small_file_bytes_max = 16_384  # as nearly all; the parsed ones of larger files are kept apart, and fewer
git_small_file_bytes_max = 4_096  # HEAD, commondir and a .git file hold one line
git_command_seconds_max = 10.0  # `git config` answers in milliseconds
moves_held_max = 10_000  # candidates for a move in one comparison; past it a move is a deletion and a creation
linked_names_max = 50_000  # names of files with several names that a watcher remembers
links_sought_seconds = 1.0  # between two looks through the index for other names of linked files, and at least
links_sought_pauses = 20  # times as long as the last one took
index_page_entries_max = 2_000  # index entries read at a time by a comparison
index_page_entries_min = 64  # the first page, and the one behind a folder that is skipped
hash_here_bytes_max = 131_072  # larger files go to the hashing threads
hash_group_files_max = 64  # files handed to a hashing thread at once: the hand-over costs as much as a small file
hash_group_bytes_max = 4_194_304
aside_bytes_min = 33_554_432  # of a file that no comparison waits for: some tenth of a second
aside_files_max = 10_000  # of them that wait to be read; what is past it a comparison waits for
aside_publish_seconds = 1.0  # how often the progress tells how much of them has been read
hash_again_at_once_bytes_max = 16_777_216  # a larger file that changed meanwhile is read again a little later
hash_groups_handed_over = 32  # of small files go to the threads when the disk has to be waited for
reader_files_min = 2_000  # a comparison that has read so many small files has the others read by a process of its own
reader_group_files_max = 256  # each hand-over to it gives up the interpreter's lock some times
reader_groups_waiting_max = 2  # enough that it has the next one when it has read one
reader_stop_look_ms = 100  # who waits for it looks so often whether that is still wanted
battery_reading_share = 0.25  # of the time, while the machine runs on its battery
battery_rest_seconds_max = 5.0  # behind a large file; then the system is asked again
power_look_seconds = 30.0  # how often, while files are read
power_command_seconds_max = 5.0
paced_files_min = 17  # fewer, when they are also small, were just saved: nobody wants to wait for them
hash_groups_waiting_max = 64  # groups handed over before the walk waits for the first
scan_writes_waiting_max = 2  # commits under way while the walk and the hashing go on
rechecks_max = 10_000  # files to look at again: 10 ms of the loop; past it a comparison doubts all that are as young
recheck_unstable_seconds = 1.0  # a file that kept changing while it was read is looked at again after this
comparisons_at_once_max = 2  # full comparisons of different workspaces that run at a time
inotify_read_bytes = 16_384  # some 400 events, a millisecond of the event loop
native_step_ms = 50  # watchfiles looks at its list this often; less costs processor time while idle
native_events_max = 1_000  # so many at once may be what is left of an overflow that watchfiles hides
quiet_ms = 10  # events are gathered until none came for so long, at most debounce_ms
root_check_seconds = 2.0  # how often a lost root, or a root without events, is looked for
wall_jump_seconds = 5.0  # the clocks moved apart by more: the machine slept, so everything is compared
tick_seconds = 5.0  # how often an idle watcher looks at clocks, its root and the rules outside it
poll_scan_seconds = 10.0  # a root without events is compared this often at most
failure_wait_seconds_min = 1.0
failure_wait_seconds_max = 60.0  # between tries when the store or the system refuses
watch_warnings_max = 100  # kept for the status of a workspace
progress_publish_seconds = 0.1

# --- HTTP ------------------------------------------------------------------------------------------------------------
request_body_bytes_max = 8_388_608
request_header_bytes_max = 16_384
listen_backlog = 128
sockets_left_max = 50  # ended ones until their memory is searched for, which takes 3 ms after `running.settle`
request_seconds_max = 20.0  # for the first head of a connection, for a body, and for each piece of an import
keep_alive_seconds = 75.0  # a connection that is not used again; aiohttp's hour would keep a descriptor for each
websocket_message_bytes_max = 65_536  # what a client may send; we send no more than a page of changes at a time
websocket_auth_seconds = 5.0
websocket_close_seconds_max = 2.0  # to send the reason and hear the answer; then the connection is cut
websocket_heartbeat_seconds = 30.0
nonce_chars_max = 128
idempotency_key_chars_max = 255
idempotency_seconds = 24 * 3_600  # so long an answer is replayed
long_poll_seconds_max = 55.0  # below the minute after which many clients give up
long_polls_max = 500  # that wait at once: 12 kB each
patch_attempts_max = 50  # a merge patch without If-Match is tried again on what another writer has left
differences_max = 2_000  # between two snapshots; more are counted as that there are more
difference_chars_max = 500  # of a text or a name in one of them
difference_places_chars_max = 1_000_000  # of all their places; past it there are more, too
difference_line_chars_max = 80  # of a value in its line for people
gzip_bytes_min = 2_048  # a shorter answer is not worth compressing
cursor_chars_max = 1_024  # a key's bytes in base64

transfer_page_rows_max = 200  # records of an export that are read, or of an import that are stored, at once,
transfer_batch_bytes_max = 2_000_000  # and so many bytes of them; a larger one stands alone
transfer_line_bytes_max = 26_000_000  # of an import: the largest record, its two-byte characters escaped by six
import_body_bytes_max = 4_000_000_000

# --- search ----------------------------------------------------------------------------------------------------------
search_query_chars_max = 400
search_words_max = 20
search_hits_default = 20
search_hits_max = 100
search_offset_max = 10_000  # each page is found anew; whoever needs more needs another word
search_text_chars_max = 200_000  # of one record; what is further behind is not found
search_page_ids_max = 1_000  # ids read at a time when a tenant is indexed for the first time
search_batch_records_max = 500  # read in one transaction, one after the other: on a cluster too, well below 5 s
search_batch_chars_max = 2_000_000  # of records written to the index at once: ten of the longest
search_seconds_max = 5.0  # of one search; the others wait for their turn meanwhile
search_steps_unasked = 10_000  # of SQLite's machine between two looks at the time: well below a millisecond
search_snippet_chars = 120
search_piece_chars = 2_000  # of a text that are looked at closely: time by the square of the matches in them
search_marks_max = 1_000  # matches in a text among which the place of the snippet is looked for
search_busy_seconds_max = 5.0

# --- trust -----------------------------------------------------------------------------------------------------------
pairing_key_bytes = 32
access_token_seconds = 900
refresh_token_seconds = 30 * 86_400
refresh_token_bytes = 32
refresh_grace_seconds = 10  # two windows that refresh at once; a loser that sleeps longer logs in again
signing_key_seconds = 30 * 86_400  # then another key signs
signing_keys_max = 10  # kept at a time; only who rotates by command again and again gets so far
signing_key_retry_seconds = 600.0  # between tries to write a new one
signing_key_look_seconds = 86_400.0  # how often the daemon looks whether one is due
browser_login_seconds = 12 * 3_600  # a working day; its cookie is not renewed
ticket_seconds = 60  # for a browser that has to start first
ticket_bytes = 32
tickets_max = 1_000
password_chars_min = 12  # above the 8 of NIST SP 800-63B: here the password is the only factor
password_chars_max = 1_024
password_hashes_waiting_max = 64  # at a fifth of a second each; more are told to come again,
password_hashes_of_stranger_max = 16  # and of each other user of the machine no more at a time
password_thread_niceness = 10  # on Linux, so that a login delays no other request
credentials_body_bytes_max = 16_384  # of requests from those who have not shown who they are
family_hops_max = 1_000  # links followed from an old one to the newest of its family
sessions_served_bytes_max = 4_000_000  # sessions as they are served, kept while their rows stay the same,
session_served_bytes_max = 250_000  # each of at most so much
rates_cached_max = 64  # plans differ in few numbers
callers_cached_max = 1_000  # tokens, and the records behind them, that are not decoded anew
buckets_max = 10_000  # of each kind; past it the one used longest ago is forgotten
login_attempts_burst = 10  # on one account; then
login_attempts_per_minute = 5
peer_attempts_burst = 60  # of one peer, on whatever account; then
peer_attempts_per_minute = 30
audited_refusals_burst = 30  # rows that one peer without an account can write; then
audited_refusals_per_minute = 10
audit_ids_max = 20  # records that one row of the audit trail names; it counts the others

# --- file systems that may not answer --------------------------------------------------------------------------------
question_seconds = 2.0  # for an answer; a disk that has to spin up takes longer, and is asked again
questions_at_once_max = 32  # that wait for one, each in a thread of its own
silent_seconds = 10.0  # nothing came of a comparison for so long: its file system does not answer
silent_look_seconds = 1.0  # how often it is looked for whether it answers again
leave_hanging_seconds = 1.5  # who hangs in a file system when watching ends is left behind
folder_known_seconds = 1.0  # so long the path of a folder without links is not asked for again
folders_known_max = 256

# --- life ------------------------------------------------------------------------------------------------------------
accept_retry_seconds = 1.0  # when no descriptor is left for a connection
garbage_young_objects_max = 5_000  # new objects between two searches for garbage: a session of 60 tabs has 1,000
garbage_young_searches_max = 2  # behind more, what they have left is searched too: 15,000 objects, 5 to 12 ms
garbage_middle_searches_max = 100  # behind more of those, everything, if it has grown by a quarter
drain_seconds_max = 5.0
drain_requests_seconds_max = 2.0  # of those, for requests under way
instance_lock_attempts_max = 4  # a client that asks whether the lock is held holds it for microseconds itself
instance_lock_retry_seconds = 0.05
endpoint_file_bytes_max = 65_536
thread_switch_seconds = 0.001  # so long the event loop waits at most, each time that it needs the interpreter's lock
turn_seconds = 0.002  # a thread works so long between two turns of the event loop; several do so at a time
turn_wait_seconds_max = 0.05  # for a loop that is busy, or that waits for this thread
loop_watch_interval_seconds = 5.0  # how often the loop shows that it runs; far below a service manager's 30 s
loop_watch_interval_seconds_min = 1.0  # a manager that wants to hear us more often than every 2 s is not obeyed
loop_stuck_seconds = 10.0  # a timer so late, and the log gets the stack of what holds the loop
process_stopped_seconds = 5.0  # a watching thread so late, and the whole process was stopped
health_interval_seconds = 10.0  # how often the daemon looks for what is wrong: ten system calls
health_past_seconds = 3_600.0  # so long ``status`` tells what is over
disk_free_warning_bytes = 200_000_000
open_files_warning_share = 0.8
metrics_buckets_seconds = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
log_file_bytes_max = 5_000_000
log_files_max = 4  # the present one and three older

# --- the CLI's client ------------------------------------------------------------------------------------------------
client_connect_seconds_max = 5.0
client_request_seconds_max = 30.0  # a page of 1,000 files of a busy daemon takes well below a second
client_backup_seconds_max = 3_600.0  # for a backup, and for the answer to an import, which comes at its end
service_manager_seconds_max = 150.0  # `systemctl restart` waits for a daemon to stop, and to be ready
service_stop_seconds_max = 30.0  # launchd kills what has not ended within 15 s (ExitTimeOut)
log_lines_shown_max = 100_000
client_answer_bytes_max = 67_108_864
client_transfer_seconds_max = 60.0  # the longest silence while an export goes on
bundle_log_lines_max = 20_000  # some 4 MB before they are packed
bundle_files_max = 1_000  # of our own that are told of
transfer_read_bytes = 262_144  # of the file of an import at a time
client_reconnect_seconds_min = 0.2
client_reconnect_seconds_max = 10.0
stop_wait_seconds_max = 15.0  # ``down`` waits this long for a daemon that drains in at most 5 s
stop_poll_seconds = 0.05
ambiguous_ids_shown = 3  # of those that a beginning is meant by
verify_second_look_seconds = 2.5  # after what the daemon waits before it looks again at a file that was just written
progress_interval_seconds = 0.2  # how often the terminal's progress bar moves
progress_line_interval_seconds = 2.0  # the same where lines are printed
