"""Every threat to the receiving side, what has to come of it, and the tests that show it.

A test is named as pytest names it, without parameters. A dialogue is named by its file, several by a pattern: it is
played to the protocol core (``tests/dialogues/test_dialogues.py``) and, wherever a listener can be such a server, to a
whole session (``tests/ingress/test_dialogues.py``), octet by octet and in one piece. ``test_rows.py`` sees to it that
all of them exist.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen


@frozen
class Row:
    """One threat."""

    threat: str
    expected: str
    tests: tuple[str, ...]


INPUT: Final = (
    Row(
        "another server's idea of an end of data: LF.LF, CR.CR, CRLF.CR and the like, and NUL around the dot",
        "only CRLF.CRLF ends data; the message is refused as a whole, with one reply (RFC 5321 2.3.8, 4.1.1.4)",
        (
            "tests/threats/test_smuggling_through.py::test_by_data_nothing_is_smuggled_in_or_out",
            "tests/threats/test_smuggling_through.py::test_by_one_chunk_nothing_is_smuggled_in_or_out",
            "tests/threats/test_smuggling_through.py::test_by_chunks_that_cut_the_sequence_nothing_is_smuggled_in_or_out",
            "tests/smtp/test_body.py::test_nothing_but_a_dot_between_two_crlf_ends_a_body",
            "tests/process/test_relay.py::test_a_body_with_a_cr_or_lf_on_its_own_is_refused_and_goes_nowhere",
            "tests/dialogues/smuggling/*.txt",
        ),
    ),
    Row(
        "the same octets on their way out",
        "no CR and no LF on its own leaves this host: in content, in commands, or in text of our own",
        (
            "tests/threats/test_smuggling_through.py::test_by_data_nothing_is_smuggled_in_or_out",
            "tests/threats/test_smuggling_through.py::test_by_one_chunk_nothing_is_smuggled_in_or_out",
            "tests/threats/test_smuggling_through.py::test_the_true_end_is_content_in_a_chunk_and_its_dot_is_doubled_on_the_way_out",
            "tests/threats/test_smuggling_through.py::test_what_looks_like_an_end_arrives_as_content_whichever_way_it_goes_out",
            "tests/smtp/test_client.py::test_content_that_breaks_the_line_rules_is_not_sent",
            "tests/smtp/test_client.py::test_a_lone_cr_at_the_end_keeps_the_dot_back",
            "tests/smtp/test_client.py::test_a_lone_cr_is_not_ended_by_an_empty_last_chunk",
            "tests/smtp/test_command.py::test_nothing_can_be_smuggled_into_a_command",
            "tests/smtp/test_command.py::test_no_line_end_can_be_smuggled_into_a_parameter",
            "tests/mail/test_dsn.py::test_the_report_is_a_lawful_message_of_three_parts",
            "tests/mail/test_dsn.py::test_no_content_can_end_the_part_it_is_returned_in",
        ),
    ),
    Row(
        "clients that would like a lenient server",
        "there is no lenience: no key, no network, no profile makes a bare LF a line end",
        (
            "tests/dialogues/grammar/lf-alone.txt",
            "tests/dialogues/grammar/cr-alone.txt",
            "tests/smtp/test_reading.py::test_behind_a_command_that_changes_what_octets_mean_nothing_may_follow_on_any_server",
        ),
    ),
    Row(
        "plain text behind STARTTLS",
        "the session ends; nothing that was said before TLS counts inside it (RFC 3207 4.2)",
        (
            "tests/dialogues/starttls/injection.txt",
            "tests/dialogues/starttls/injection-later.txt",
            "tests/dialogues/starttls/injection-of-a-part.txt",
            "tests/dialogues/starttls/forgets-the-identity.txt",
            "tests/ingress/test_xclient.py::test_a_login_that_was_said_in_clear_is_forgotten_by_starttls",
            "tests/ingress/test_session.py::test_plain_text_behind_starttls_ends_the_session",
            "tests/ingress/test_session.py::test_starttls_begins_the_session_anew",
        ),
    ),
    Row(
        "a TLS handshake that fails",
        "the connection is closed; nothing is answered in clear",
        (
            "tests/threats/test_hostile_input.py::test_behind_a_handshake_that_failed_nothing_is_answered_in_clear",
            "tests/contracts/test_tls.py::test_what_is_no_tls_breaks_the_connection",
            "tests/contracts/test_tls.py::test_clear_text_where_tls_is_due_fails_the_handshake",
        ),
    ),
    Row(
        "AUTH without TLS, in a transaction, twice, guessed",
        "neither offered nor taken without TLS; 503 where it is out of place; guesses have a limit in each session, "
        "for each client and for each login (RFC 4954 4, 6)",
        (
            "tests/dialogues/auth/in-clear.txt",
            "tests/dialogues/auth/out-of-place.txt",
            "tests/dialogues/auth/twice.txt",
            "tests/dialogues/auth/cancelled.txt",
            "tests/ingress/test_login.py::test_auth_is_offered_inside_tls_only",
            "tests/ingress/test_login.py::test_an_exchange_can_be_cancelled_and_begun_again",
            "tests/ingress/test_login.py::test_too_many_failures_end_the_session",
            "tests/ingress/test_login.py::test_a_client_that_guesses_too_often_is_sent_away_at_once",
            "tests/ingress/test_users.py::test_a_user_who_was_guessed_at_too_often_is_not_judged_from_anywhere",
            "tests/policy/test_guesses.py::test_a_client_that_has_guessed_too_often_is_not_judged_whomever_it_names",
        ),
    ),
    Row(
        "line ends hidden in parameters: ENVID, ORCPT, AUTH=",
        "xtext is checked when it is read; what is stored cannot break a record; reports write it anew (RFC 3461 4)",
        (
            "tests/smtp/test_xtext.py::test_xtext_that_hides_control_or_other_characters_is_refused",
            "tests/smtp/test_xtext.py::test_a_utf8_address_that_hides_what_is_not_printable_is_refused",
            "tests/smtp/test_params.py::test_any_parameters_are_read_or_refused_with_a_reply",
            "tests/mail/test_record.py::test_an_envelope_comes_back_as_it_was",
            "tests/mail/test_dsn.py::test_what_the_sender_asked_to_be_called_is_said_again",
            "tests/mail/test_dsn.py::test_octets_that_no_header_may_have_are_encoded",
        ),
    ),
    Row(
        "addresses that a shell, a path, a format or a database would read as more than data",
        "they are data: they come out at the next hop as they went in",
        (
            "tests/threats/test_hostile_input.py::test_an_address_is_data_from_the_wire_over_the_queue_to_the_next_hop",
            "tests/smtp/test_address.py::test_percent_and_bang_are_ordinary_characters",
        ),
    ),
    Row(
        "trace fields forged by what a client calls itself",
        "the grammar is checked, and Received stays one well-formed field (RFC 5321 4.4)",
        (
            "tests/mail/test_headers.py::test_whatever_a_client_says_the_stamp_is_one_well_formed_field",
            "tests/ingress/test_content.py::test_a_first_line_that_would_go_on_with_our_field_becomes_body",
            "tests/dialogues/grammar/hello-name.txt",
        ),
    ),
    Row(
        "another spelling of an address that a list names: case, quotes, A-labels, letters composed in another way",
        "lists of senders, recipients, aliases and logins compare what an address means",
        (
            "tests/policy/test_access.py::test_neither_case_nor_quotes_get_anybody_around_a_list",
            "tests/policy/test_access.py::test_no_other_spelling_of_a_letter_outside_ascii_gets_anybody_around_a_list",
            "tests/policy/test_access.py::test_a_domain_is_listed_in_all_its_spellings",
            "tests/policy/test_logins.py::test_a_login_has_one_spelling",
        ),
    ),
    Row(
        "NUL, control characters and octets above 127 in commands",
        "5yz, and nothing is cut off at a NUL (RFC 5321 4.1.2, RFC 6531)",
        (
            "tests/dialogues/grammar/nul.txt",
            "tests/dialogues/grammar/eight-bit-commands.txt",
            "tests/smtp/test_reading.py::test_a_line_that_is_refused_gets_the_code_that_fits",
        ),
    ),
    Row(
        "BDAT that is refused, too large, malformed, or mixed with DATA",
        "a refused chunk is read to its last octet and forgotten; errors and RSET leave no state (RFC 3030 2)",
        (
            "tests/dialogues/bdat/refused-chunks-are-drained.txt",
            "tests/dialogues/bdat/owner-refuses-a-chunk.txt",
            "tests/dialogues/bdat/giant-size.txt",
            "tests/dialogues/bdat/malformed-size.txt",
            "tests/dialogues/bdat/other-commands-between.txt",
            "tests/dialogues/bdat/given-up.txt",
            "tests/smtp/test_body.py::test_a_discarded_chunk_is_read_to_the_octet_and_leaves_no_trace",
            "tests/ingress/test_session.py::test_a_refused_chunk_leaves_nothing_to_the_next_transaction",
        ),
    ),
    Row(
        "a command without an end",
        "it is thrown away up to its line end and answered once; its tail is no command (RFC 5321 4.5.3.1.4)",
        (
            "tests/dialogues/limits/command-line.txt",
            "tests/dialogues/limits/auth-lines.txt",
            "tests/dialogues/limits/long-line-with-lf-alone.txt",
            "tests/smtp/test_buffer.py::test_an_endless_line_is_held_no_longer_than_the_limit_and_one_segment",
            "tests/threats/test_hostile_input.py::test_an_endless_line_in_a_command_takes_no_room",
        ),
    ),
    Row(
        "a long line of content",
        "refused over the limit, and else passed on as it is (RFC 5321 4.5.3.1.6)",
        (
            "tests/dialogues/limits/text-line.txt",
            "tests/dialogues/bdat/line-too-long.txt",
            "tests/threats/test_hostile_input.py::test_content_without_a_line_end_takes_no_room",
            "tests/process/test_relay.py::test_every_body_arrives_octet_for_octet_below_one_received_field",
        ),
    ),
    Row(
        "header bombs: many fields, huge fields, nested comments, a crowd of addresses, deep MIME",
        "time in proportion to the size, and a limit for the section; nothing is parsed that a relay can leave alone",
        (
            "tests/threats/test_hostile_input.py::test_a_header_bomb_takes_time_in_proportion",
            "tests/ingress/test_content.py::test_a_header_bomb_is_refused_when_it_has_ended_and_leaves_nothing",
            "tests/mail/test_headers.py::test_a_huge_section_takes_time_in_proportion",
            "tests/mail/test_dsn.py::test_an_endless_header_section_is_cut_at_the_end_of_a_line",
        ),
    ),
    Row(
        "DATA in a group, and no recipient was accepted",
        "554 or 503, and what follows is read as commands (RFC 2920 3.1)",
        (
            "tests/dialogues/pipelining/all-recipients-refused.txt",
            "tests/dialogues/pipelining/sender-refused.txt",
            "tests/dialogues/pipelining/behind-data.txt",
        ),
    ),
    Row(
        "a web browser that was made to talk to the SMTP port",
        "one reply, and the connection is closed; nothing of the request is mail",
        (
            "tests/dialogues/grammar/http.txt",
            "tests/ingress/test_limits.py::test_a_web_browser_is_sent_away_at_once_and_what_it_brings_is_not_read",
        ),
    ),
    Row(
        "a message that goes round in circles",
        "554 5.4.6 when it has passed too many hosts (RFC 5321 6.3)",
        (
            "tests/ingress/test_session.py::test_a_message_that_goes_round_in_circles_is_refused",
            "tests/ingress/test_content.py::test_hops_are_counted_in_the_whole_section",
        ),
    ),
    Row(
        "tricks to make an open relay of this host: percent, bang, source route, quotes, look-alikes, our own sender",
        "strangers reach the listed domains and nothing else; whoever opens the relay by mistake is told at the start",
        (
            "tests/policy/test_relay.py::test_strangers_reach_nothing_else",
            "tests/policy/test_relay.py::test_a_source_route_over_us_is_dropped_and_its_end_is_judged",
            "tests/policy/test_relay.py::test_a_trailing_dot_and_a_double_at_are_no_addresses",
            "tests/policy/test_relay.py::test_a_stranger_gains_nothing_by_using_a_sender_of_ours",
            "tests/policy/test_relay.py::test_an_alias_elsewhere_opens_nothing",
            "tests/policy/test_openness.py::test_too_open_is",
            "tests/ingress/test_session.py::test_strangers_reach_our_domains_and_no_others",
        ),
    ),
)

SOURCE: Final = (
    Row(
        "one that cannot wait for the greeting",
        "554, where the operator has set a pause for it (RFC 5321 4.3.1)",
        (
            "tests/ingress/test_limits.py::test_one_who_cannot_wait_for_the_greeting_is_refused",
            "tests/ingress/test_limits.py::test_one_who_waits_is_greeted_after_the_pause_and_one_we_trust_at_once",
        ),
    ),
    Row(
        "a client that gives itself another address, by PROXY or XCLIENT",
        "only who is listed may; a proxy without a header is closed in silence; limits and trust are the client's",
        (
            "tests/ingress/test_preface.py::test_whoever_is_no_proxy_is_a_direct_client_whatever_it_sends",
            "tests/ingress/test_preface.py::test_a_proxy_without_a_valid_header_is_closed_without_a_word",
            "tests/ingress/test_preface.py::test_each_client_behind_a_proxy_has_the_limits_of_an_address",
            "tests/ingress/test_xclient.py::test_it_is_refused_to_a_stranger",
        ),
    ),
)

RESOURCES: Final = (
    Row(
        "octets that drip in, in commands and in content",
        "a deadline for the whole command, a least rate for content, and a lifetime for the session",
        (
            "tests/ingress/test_session.py::test_a_command_that_drips_in_has_one_deadline",
            "tests/ingress/test_limits.py::test_content_that_comes_too_slowly_ends_the_session",
            "tests/ingress/test_limits.py::test_a_chunk_that_comes_too_slowly_ends_the_session",
            "tests/ingress/test_session.py::test_a_session_ends_when_its_time_is_over_however_busy",
            "tests/policy/test_pace.py::test_one_that_drips_lives_on_its_allowance_and_no_longer",
            "tests/process/test_abuse.py::test_under_abuse_memory_is_bounded_and_others_are_served",
        ),
    ),
    Row(
        "connections that are idle",
        "421 and closed; in a crowd sooner",
        (
            "tests/threats/test_hostile_input.py::test_one_that_says_nothing_hears_421_and_is_closed",
            "tests/ingress/test_limits.py::test_in_a_crowd_those_who_only_wait_make_room",
        ),
    ),
    Row(
        "a flood from one address or one network",
        "limits for sessions, arrivals, messages and recipients; 421 and 450; released when the flood is over",
        (
            "tests/ingress/test_admission.py::test_sessions_are_counted_for_each_address",
            "tests/ingress/test_admission.py::test_sessions_are_counted_for_each_network",
            "tests/ingress/test_admission.py::test_all_addresses_of_an_ipv6_network_are_one_client",
            "tests/ingress/test_admission.py::test_a_client_that_comes_too_often_is_sent_away_until_time_has_passed",
            "tests/ingress/test_limits.py::test_messages_are_counted_for_each_client",
            "tests/ingress/test_limits.py::test_recipients_are_counted_for_each_client_and_only_those_that_were_accepted",
            "tests/ingress/test_limits.py::test_one_that_is_not_let_in_hears_so_although_it_has_sent_on",
            "tests/ingress/test_limits.py::test_of_a_flood_only_some_are_told_and_all_are_counted",
            "tests/policy/test_quota.py::test_filling_the_table_does_not_give_anything_back_to_one_who_has_used_it_up",
            "tests/process/test_abuse.py::test_under_abuse_memory_is_bounded_and_others_are_served",
        ),
    ),
    Row(
        "a client that never reads, and one that sends ten thousand commands at once",
        "its commands are not read while replies wait; it is given up in the end; others have their turn",
        (
            "tests/ingress/test_session.py::test_a_client_that_does_not_read_is_given_up",
            "tests/ingress/test_limits.py::test_one_that_sends_ten_thousand_commands_at_once_lets_others_have_their_turn",
            "tests/process/test_abuse.py::test_under_abuse_memory_is_bounded_and_others_are_served",
        ),
    ),
    Row(
        "storms of errors, probing, and talk without mail",
        "answers come ever later, and after a number of them 421, which the client can read",
        (
            "tests/ingress/test_limits.py::test_answers_to_errors_come_ever_later",
            "tests/ingress/test_limits.py::test_one_that_is_sent_away_for_its_errors_hears_so_although_it_has_sent_on",
            "tests/ingress/test_limits.py::test_a_session_that_brings_no_mail_does_not_go_on_for_ever",
            "tests/dialogues/limits/too-many-errors.txt",
        ),
    ),
    Row(
        "too many recipients",
        "452 over the limit, the accepted ones stand, and there is an end to it (RFC 5321 4.5.3.1.10)",
        (
            "tests/ingress/test_limits.py::test_recipients_beyond_the_limit_are_no_errors_and_the_accepted_ones_stand",
            "tests/ingress/test_limits.py::test_recipients_without_end_end_the_session",
            "tests/ingress/test_limits.py::test_naming_one_recipient_again_and_again_has_an_end_too",
            "tests/process/test_abuse.py::test_under_abuse_memory_is_bounded_and_others_are_served",
        ),
    ),
    Row(
        "memory",
        "every buffer has a bound, and large content goes to a file",
        (
            "tests/smtp/test_buffer.py::test_an_endless_line_is_held_no_longer_than_the_limit_and_one_segment",
            "tests/smtp/test_body.py::test_a_decoder_keeps_no_more_than_the_octets_that_may_be_the_end",
            "tests/ingress/test_session.py::test_a_large_body_goes_to_a_file",
            "tests/policy/test_quota.py::test_it_remembers_no_more_keys_than_it_may",
            "tests/threats/test_hostile_input.py::test_content_without_a_line_end_takes_no_room",
            "tests/process/test_abuse.py::test_under_abuse_memory_is_bounded_and_others_are_served",
        ),
    ),
    Row(
        "no file descriptors left",
        "accepting pauses, sessions and deliveries go on, no processor runs hot, and nothing is lost",
        (
            "tests/world/test_network.py::test_accepting_pauses_while_descriptors_are_short_and_then_goes_on",
            "tests/process/test_descriptors.py::test_without_descriptors_new_clients_wait_and_all_others_go_on",
        ),
    ),
    Row(
        "text of strangers in the log",
        "a line is one line of printable characters, of bounded length, and one session writes a bounded number",
        (
            "tests/threats/test_hostile_input.py::test_a_log_line_is_one_line_of_printable_characters_whatever_an_address_holds",
            "tests/ingress/test_limits.py::test_recipients_beyond_the_limit_are_one_line_in_the_log",
            "tests/mail/test_quoting.py::test_an_endless_answer_is_cut",
        ),
    ),
)
