"""Every threat to the sending side, what has to come of it, and the tests that show it: next hops, DNS, reports.

As in ``rows``. A matrix counts as one test: what its cells are stands there.
"""

from __future__ import annotations

from typing import Final

from tests.threats.rows import Row

_HOSTILE: Final = "tests/delivery/test_hostile_hosts.py::test_every_fault_in_every_phase_comes_to_what_the_table_says"
_SOCKETS: Final = "tests/delivery/test_hostile_sockets.py::test_real_sockets_lead_to_the_same"
_STARTTLS: Final = (
    "tests/delivery/test_hostile_starttls.py::test_where_tls_is_no_condition_mail_goes_on_in_clear_at_the_first_attempt",
    "tests/delivery/test_hostile_starttls.py::test_where_it_is_one_nothing_of_the_envelope_is_said",
)
_SMART: Final = (
    "tests/delivery/test_hostile_smart_host.py::test_every_fault_at_every_moment_comes_to_what_the_table_says"
)
_CERTIFICATES: Final = (
    "tests/delivery/test_tls_policies.py::test_every_policy_meets_every_host",
    "tests/delivery/test_tls_sockets.py::test_certificates_over_sockets",
)

NEXT_HOP: Final = (
    Row(
        "4yz at any point, a connection that is lost or reset, silence",
        "tried again later, at longer and longer intervals; each phase has a time limit of its own (RFC 5321 4.5.3.2)",
        (
            _HOSTILE,
            _SMART,
            "tests/delivery/test_hostile_smart_host.py::test_the_table_has_every_moment_at_which_a_host_speaks",
            "tests/delivery/test_hostile_smart_host.py::test_every_table_has_every_fault_that_the_simulated_hosts_know",
            _SOCKETS,
            "tests/delivery/test_deadlines.py::test_silence_is_waited_for_as_long_as_its_key_says",
            "tests/delivery/test_deadlines.py::test_a_host_that_never_answers_is_dialled_as_long_as_the_key_says",
            "tests/delivery/test_deadlines.py::test_a_block_of_a_message_may_take_as_long_as_the_key_says",
            "tests/delivery/test_sender.py::test_a_deferred_delivery_is_tried_again_at_its_time",
        ),
    ),
    Row(
        "5yz to MAIL, RCPT, DATA or the dot",
        "reported at once after one attempt; no other host is asked (RFC 5321 4.2.1, 5.1)",
        (
            _HOSTILE,
            "tests/delivery/test_next_host.py::test_a_judgement_of_the_first_host_is_not_appealed",
            "tests/delivery/test_sender.py::test_a_bounce_is_reported_to_the_sender_with_the_record",
        ),
    ),
    Row(
        "a smart host that does not let us in, or answers a login with anything else than it may",
        "the site's trouble: mail waits until somebody has put it right, and no password is said outside of TLS",
        (
            _SMART,
            "tests/delivery/test_login.py::test_a_login_that_fails_is_the_trouble_of_the_site",
            "tests/delivery/test_login.py::test_every_fault_at_every_step_of_a_login_is_the_trouble_of_the_site",
            "tests/delivery/test_login.py::test_a_token_that_is_refused_is_told_so_in_two_steps",
            "tests/process/test_next_hops.py::test_a_wrong_password_keeps_mail_waiting_until_it_is_put_right",
            "tests/app/test_smart_host.py::test_we_log_in_to_the_smart_host_and_to_nobody_else",
        ),
    ),
    Row(
        "5yz in the greeting",
        "the next host, and if there is none a later attempt (RFC 5321 3.1, 4.2.4.2)",
        (_HOSTILE, "tests/delivery/test_next_host.py::test_a_fault_of_the_first_host_costs_no_attempt"),
    ),
    Row(
        "EHLO that is refused",
        "HELO, with nothing of what EHLO might have offered (RFC 5321 3.2)",
        (_HOSTILE, "tests/smtp/test_client.py::test_helo_puts_nothing_in_force"),
    ),
    Row(
        "a connection that is lost after the dot",
        "nobody knows: it waits, is visible as uncertain, and is tried again or reported as configured (RFC 1047)",
        (
            _HOSTILE,
            "tests/delivery/test_next_host.py::test_a_message_that_may_have_been_taken_goes_to_no_other_host_at_once",
            "tests/delivery/test_sender.py::test_silence_after_the_dot_is_uncertain_and_tried_again",
            "tests/delivery/test_reporting.py::test_silence_after_the_end_is_followed_by_a_pause",
            "tests/delivery/test_reporting.py::test_silence_after_the_end_can_be_left_to_the_sender",
        ),
    ),
    Row(
        "whatever comes after 250 for the message, or nothing at all for QUIT",
        "delivered, and never repeated",
        (
            "tests/delivery/test_hostile_hosts.py::test_nothing_that_follows_the_reply_to_the_message_changes_it",
            "tests/delivery/test_deadlines.py::test_a_farewell_without_an_answer_takes_as_long_as_the_key_says",
        ),
    ),
    Row(
        "garbage instead of a reply",
        "temporary; no later reply ever stands in for the one that is missing, and QUIT waits for the reply to the dot",
        (
            _HOSTILE,
            "tests/delivery/test_hostile_hosts.py::test_a_reply_too_many_is_never_taken_for_the_next_one",
            "tests/delivery/test_reuse.py::test_what_comes_unasked_ends_a_connection_and_costs_no_attempt",
            "tests/smtp/test_client.py::test_after_garbage_the_client_raises_for_ever_and_takes_no_reply_for_the_missing_one",
            "tests/smtp/test_client.py::test_a_reply_that_is_missing_or_too_many_is_an_error_and_never_moves_another",
        ),
    ),
    Row(
        "354 although every recipient was refused",
        "the dot alone is sent, and its reply means nothing (RFC 2920 3.1)",
        (
            "tests/delivery/test_attempt.py::test_where_nobody_is_left_only_the_dot_is_sent_and_its_reply_means_nothing",
            "tests/smtp/test_client.py::test_354_after_all_recipients_failed_gets_the_lone_dot_and_its_reply_is_void",
        ),
    ),
    Row(
        "250 in place of 354",
        "neither an invitation to send data nor a success",
        (
            _HOSTILE,
            "tests/smtp/test_client.py::test_250_is_no_invitation_to_send_data",
            "tests/delivery/test_attempt.py::test_what_is_no_answer_is_never_taken_for_one",
        ),
    ),
    Row(
        "some recipients are taken and others not",
        "each has an outcome of its own; one report; only those that were deferred are tried again",
        (
            "tests/delivery/test_sender.py::test_each_recipient_has_an_outcome_of_its_own",
            "tests/delivery/test_next_host.py::test_only_those_go_on_whom_nobody_has_judged",
            "tests/delivery/test_company.py::test_each_recipient_has_an_outcome_of_its_own_and_the_report_names_who_failed",
            "tests/sim/test_company.py::test_those_who_go_together_have_outcomes_of_their_own_and_one_report",
            "tests/sim/test_reports.py::test_recipients_that_fail_at_one_moment_share_a_report_and_others_get_their_own",
        ),
    ),
    Row(
        "452 or 552 for too many recipients",
        "the rest goes in a further transaction, at once (RFC 5321 4.5.3.1.10)",
        (
            "tests/delivery/test_reuse.py::test_those_that_are_too_many_go_in_further_transactions",
            "tests/delivery/test_reuse.py::test_a_host_that_refuses_all_for_being_too_many_is_believed",
            "tests/delivery/test_company.py::test_those_that_are_too_many_go_in_a_further_transaction",
            "tests/mail/test_failure.py::test_a_full_transaction_is_no_verdict_on_the_recipient",
            "tests/process/test_next_hops.py::test_what_is_handed_over_arrives_once_and_unchanged",
        ),
    ),
    Row(
        "a reply line without end, or a reply of lines without end",
        "read up to a bound, given up, tried again",
        (_HOSTILE, _SOCKETS),
    ),
    Row(
        "control characters, line ends, boundaries and header fields in a reply",
        "quoted wherever it is shown: in reports, in logs, on terminals",
        (
            "tests/mail/test_dsn.py::test_what_a_remote_host_says_stays_inside_its_field",
            "tests/mail/test_dsn.py::test_no_reply_can_change_the_shape_of_a_report",
            "tests/mail/test_dsn.py::test_no_content_can_end_the_part_it_is_returned_in",
            "tests/ops/logbook/test_formats.py::test_a_record_is_one_line_whatever_is_in_it",
            "tests/cli/test_render.py::test_what_could_steer_a_terminal_is_escaped",
        ),
    ),
    Row(
        "plain text behind the 220 to STARTTLS",
        "thrown away with the session; EHLO is said again inside TLS (RFC 3207 4.2)",
        (
            "tests/smtp/test_client.py::test_plain_text_behind_220_ends_the_session_and_is_never_processed",
            "tests/smtp/test_client.py::test_the_handshake_starts_the_session_over",
        ),
    ),
    Row(
        "STARTTLS that is taken out, refused, or broken",
        "where TLS is no condition mail goes in clear, once; where it is one nothing of the envelope does (RFC 7435)",
        (
            *_STARTTLS,
            *_CERTIFICATES,
            "tests/delivery/test_nothing_in_clear.py::test_where_tls_is_a_condition_no_envelope_is_heard_on_the_way",
            "tests/delivery/test_tls_policies.py::test_broken_tls_is_remembered_for_a_while",
            "tests/sim/test_tls.py::test_broken_tls_costs_secrecy_or_time_as_the_policy_has_it",
        ),
    ),
    Row(
        "a connection that breaks between the handshake and the first word inside TLS",
        "like a handshake that fails: a host of TLS 1.3 that refuses us says so only then (RFC 8446 2)",
        (
            _SMART,
            "tests/delivery/test_hostile_starttls.py"
            "::test_a_connection_that_breaks_before_a_word_is_said_inside_tls_counts_as_broken_tls",
        ),
    ),
    Row(
        "a message that says TLS-Required: No",
        "what its domain has published does not bind it; configuration and REQUIRETLS do, and other mail (RFC 8689 3)",
        (
            "tests/mail/test_header_section.py::test_tls_is_optional_if_one_field_says_so_and_no_other_thing",
            "tests/sim/test_tls.py"
            "::test_who_says_that_tls_is_not_required_is_not_bound_by_what_the_domain_has_published",
            "tests/sim/test_tls.py::test_what_is_configured_holds_for_who_says_that_tls_is_not_required",
            "tests/delivery/test_tls_policies.py::test_requiretls_wins_over_what_says_that_tls_is_optional",
        ),
    ),
    Row(
        "a certificate that is wrong, expired, of an unknown authority, or for another name",
        "encrypted all the same, unless the policy asks who it is: then it waits, and is reported in the end (4.7.x)",
        (*_CERTIFICATES, "tests/delivery/test_tls_keys.py::test_ca_file_names_an_authority_to_trust"),
    ),
    Row(
        "DANE: TLSA records, secure or not, usable or not, matching or not, or not to be had",
        "as RFC 7672 2.1 and 2.2 have it",
        (
            "tests/process/test_dane.py::test_what_a_zone_has_published_decides",
            "tests/delivery/test_tls_policies.py::test_records_that_do_not_match_defer",
            "tests/delivery/test_tls_policies.py::test_records_that_are_unusable_ask_for_encryption_and_no_more",
            "tests/delivery/test_tls_policies.py::test_records_that_are_not_signed_do_not_count",
            "tests/delivery/test_tls_policies.py::test_a_host_whose_records_cannot_be_looked_up_is_left",
            "tests/delivery/test_tls_policies.py::test_records_that_match_the_key_make_names_dates_and_authorities_indifferent",
        ),
    ),
    Row(
        "MTA-STS: a policy that is enforced, in testing, out of reach, changed, or over",
        "as RFC 8461 3.3 and 5 have it",
        (
            "tests/delivery/test_tls_policies.py::test_an_enforced_sts_policy_is_as_good_as_one_of_ours",
            "tests/delivery/test_tls_policies.py::test_a_policy_under_test_changes_nothing",
            "tests/delivery/test_tls_policies.py::test_a_host_that_the_policy_does_not_list_is_not_even_dialled",
            "tests/delivery/test_sts.py::test_what_was_known_holds_on_while_the_web_server_cannot_be_used",
            "tests/delivery/test_sts.py::test_a_new_edition_takes_the_place_of_the_old_one",
            "tests/delivery/test_sts.py::test_after_its_time_a_policy_is_over_if_the_web_server_is_down",
        ),
    ),
    Row(
        "DANE and MTA-STS for the same host",
        "DANE is obeyed (RFC 8461 2)",
        ("tests/delivery/test_tls_policies.py::test_dane_outranks_mta_sts",),
    ),
    Row(
        "8BITMIME, SMTPUTF8 or room is missing",
        "converted where that is safe, else returned before any of it is sent (5.6.3, 5.6.7, 5.3.4)",
        (
            "tests/delivery/test_fitting.py::test_what_can_be_converted_is_and_nothing_else_is",
            "tests/delivery/test_fitting.py::test_what_cannot_be_converted_is_returned_before_any_of_it_is_sent",
            "tests/delivery/test_fitting.py::test_an_address_that_needs_smtputf8_costs_the_others_nothing",
            "tests/delivery/test_attempt.py::test_what_a_host_cannot_take_is_not_offered",
        ),
    ),
    Row(
        "no PIPELINING",
        "one command, one reply (RFC 2920)",
        (
            _HOSTILE,
            "tests/smtp/test_client.py::test_without_pipelining_every_command_waits_for_its_reply",
            "tests/delivery/test_attempt.py::test_without_pipelining_a_refused_sender_ends_it",
            "tests/delivery/test_attempt.py::test_without_pipelining_no_data_is_sent_for_nobody",
        ),
    ),
    Row(
        "a host that wants few messages, recipients or domains (LIMITS, RFC 9422)",
        "it gets no more; the rest goes in further transactions and over further connections",
        (
            "tests/delivery/test_reuse.py::test_a_host_is_brought_no_more_messages_than_it_wants",
            "tests/delivery/test_reuse.py::test_a_host_is_named_no_more_recipients_than_it_wants",
            "tests/delivery/test_reuse.py::test_a_session_goes_to_no_more_domains_than_the_host_wants",
            "tests/delivery/test_company.py::test_a_host_that_wants_few_domains_in_a_session_gets_few",
        ),
    ),
    Row(
        "a site that is dead for days, with a long queue",
        "it costs nothing and delays nobody; senders hear of the delay and of the end when it is time",
        (
            "tests/delivery/test_dead_site.py::test_ten_thousand_for_a_dead_site_delay_no_other_and_are_left_alone",
            "tests/delivery/test_dead_site.py::test_of_what_is_set_aside_senders_hear_when_it_is_time_and_only_once",
            "tests/delivery/test_dead_site.py::test_what_is_set_aside_is_returned_when_the_time_of_its_rule_is_over",
            "tests/delivery/test_dead_site.py::test_when_the_site_is_back_all_goes_out_at_once_and_the_oldest_first",
        ),
    ),
    Row(
        "more mail than a rate limit lets through in time",
        "senders hear of the delay and of the end at their moments, as of any other",
        ("tests/delivery/test_late.py::test_what_waits_for_a_limit_is_told_of_late_and_given_up_at_its_time",),
    ),
    Row(
        "next hops that other people wrote, with and without TLS and a login",
        "all of it arrives once and unchanged, and their logs say what ours say",
        (
            "tests/process/test_postfix.py::test_what_is_handed_to_postfix_arrives_once_and_unchanged",
            "tests/process/test_postfix.py::test_what_we_say_of_tls_and_of_reports_is_what_postfix_has_seen",
            "tests/process/test_postfix.py::test_recipients_in_several_domains_reach_a_smart_host_as_one_message",
            "tests/process/test_next_hops.py::test_what_is_handed_over_arrives_once_and_unchanged",
            "tests/process/test_next_hops.py::test_a_smart_host_lets_us_in",
            "tests/process/test_smart_host_login.py::test_we_are_let_in_by_each_mechanism",
            "tests/process/test_smart_host_login.py::test_a_token_whose_time_is_over_keeps_mail_waiting_until_there_is_another",
        ),
    ),
)

DNS: Final = (
    Row(
        "a null MX",
        "returned at once, 5.1.10, and no address is looked up (RFC 7505)",
        (
            "tests/delivery/test_target.py::test_a_null_mx_is_returned_at_once_without_asking_for_addresses",
            "tests/policy/test_route.py::test_a_null_mx_is_reported_with_its_own_status",
            "tests/process/test_dns.py::test_a_domain_that_takes_no_mail_or_does_not_exist_is_reported_to_the_sender_at_once",
        ),
    ),
    Row(
        "no such name, or no such record",
        "returned; the address of the domain counts only where there is no MX record at all (RFC 5321 5.1)",
        (
            "tests/delivery/test_target.py::test_a_domain_that_does_not_exist_is_returned",
            "tests/delivery/test_target.py::test_a_domain_without_mail_exchangers_is_its_own",
            "tests/policy/test_route.py::test_nothing_else_is_a_reason_to_try_the_domain_itself",
            "tests/process/test_dns.py::test_a_domain_without_mx_records_is_its_own_host",
        ),
    ),
    Row(
        "SERVFAIL, REFUSED, silence, an answer that makes no sense, a pointer in a circle",
        "temporary, and never the address of the domain; delivered when it is cured",
        (
            "tests/world/test_dns_faults.py::test_servfail_refused_and_silence_are_no_absence",
            "tests/world/test_dns_faults.py::test_a_malformed_datagram_is_a_temporary_failure",
            "tests/world/test_dns_faults.py::test_a_malformed_answer_over_tcp_is_a_temporary_failure",
            "tests/world/test_dns_faults.py::test_a_referral_is_no_absence",
            "tests/delivery/test_target.py::test_a_lookup_that_fails_never_leads_to_the_address_of_the_domain",
            "tests/process/test_dns.py::test_a_lookup_that_fails_defers_and_never_bounces",
            "tests/process/test_dns.py::test_mail_waits_while_the_resolver_is_dead_and_goes_out_when_it_is_back",
        ),
    ),
    Row(
        "an answer that was cut short",
        "asked for again over TCP (RFC 7766)",
        (
            "tests/world/test_dns_faults.py::test_an_answer_that_was_cut_short_is_fetched_over_tcp",
            "tests/world/test_dns_faults.py::test_an_answer_that_is_cut_short_even_over_tcp_is_a_temporary_failure",
        ),
    ),
    Row(
        "an answer with another number, to another question, or from somebody else",
        "ignored, and the true one awaited; numbers and ports are drawn by chance (RFC 5452)",
        (
            "tests/world/test_dns_faults.py::test_an_answer_that_does_not_belong_to_the_question_is_ignored_and_the_true_one_awaited",
            "tests/world/test_dns_faults.py::test_records_of_names_that_were_not_asked_for_count_for_nothing",
            "tests/world/test_dns_faults.py::test_ids_and_ports_of_questions_are_not_to_be_guessed",
        ),
    ),
    Row(
        "a domain that is an alias, or a chain of them",
        "followed up to a limit; a circle waits, and is not asked for again and again (RFC 2181 10.3)",
        (
            "tests/delivery/test_target.py::test_an_alias_leads_to_the_exchangers_of_its_target",
            "tests/delivery/test_target.py::test_an_alias_in_a_circle_waits",
            "tests/world/test_dns_faults.py::test_a_chain_of_aliases_is_followed_up_to_its_limit",
            "tests/world/test_dns_faults.py::test_a_circle_of_aliases_is_not_asked_for_again_and_again",
        ),
    ),
    Row(
        "an MX record that names an alias",
        "tolerated",
        ("tests/delivery/test_target.py::test_an_exchanger_that_is_an_alias_is_tolerated_and_keeps_its_name",),
    ),
    Row(
        "MX records that name this host",
        "alone a loop, 5.4.6, without a connection; among others, it goes with all that are no better",
        (
            "tests/delivery/test_target.py::test_our_own_host_drops_those_that_are_no_better_and_alone_is_a_loop",
            "tests/policy/test_approach.py::test_a_host_that_turns_out_to_be_this_one_goes_with_all_that_are_no_better",
            "tests/process/test_dns.py::test_where_this_host_is_a_backup_the_better_one_gets_the_mail",
        ),
    ),
    Row(
        "MX records and literals that lead into our own network",
        "refused unless configuration allows them",
        (
            "tests/policy/test_approach.py::test_dns_cannot_send_us_to_what_only_we_can_reach",
            "tests/delivery/test_target.py::test_dns_cannot_send_us_to_a_private_host",
            "tests/delivery/test_target.py::test_an_address_literal_cannot_send_us_to_a_private_host",
        ),
    ),
    Row(
        "a hundred MX records, all of dead hosts",
        "an attempt is bounded in hosts, addresses and time",
        (
            "tests/delivery/test_next_host.py::test_a_hundred_dead_hosts_cost_a_few_connections_and_a_few_minutes",
            "tests/delivery/test_next_host.py::test_no_more_hosts_are_looked_up_than_configured",
            "tests/delivery/test_next_host.py::test_no_more_addresses_are_tried_than_configured",
            "tests/delivery/test_next_host.py::test_no_further_host_is_tried_when_the_search_has_taken_its_time",
        ),
    ),
    Row(
        "hosts of equal preference",
        "in an order drawn by chance (RFC 5321 5.1)",
        (
            "tests/policy/test_route.py::test_equals_come_in_an_order_drawn_by_chance",
            "tests/process/test_dns.py::test_equals_share_the_load",
        ),
    ),
    Row(
        "a time to live of nothing, or of years",
        "bounded both ways; one question is under way for a name, and no more are kept than configured",
        (
            "tests/world/test_lookups.py::test_the_time_to_live_is_bounded_both_ways",
            "tests/world/test_lookups.py::test_those_who_ask_at_once_share_one_lookup",
            "tests/world/test_lookups.py::test_absence_is_kept_for_its_time",
            "tests/world/test_resolver.py::test_no_more_answers_are_kept_than_there_may_be",
        ),
    ),
    Row(
        "zones that are signed, not signed, tampered with; servers that only say so",
        "what is said of security counts from a trusted server only; enforced, mail waits without it",
        (
            "tests/process/test_dnssec.py::test_mail_goes_where_dnssec_leads_and_to_others_unless_it_is_enforced",
            "tests/process/test_dnssec.py::test_a_forged_record_is_a_temporary_failure_that_says_why",
            "tests/process/test_dnssec.py::test_an_operator_who_does_not_want_dnssec_is_told_nothing_of_it",
            "tests/world/test_resolver.py::test_the_ad_flag_counts_only_from_servers_that_are_trusted",
            "tests/delivery/test_target.py::test_where_dnssec_is_enforced_mail_waits_for_what_it_does_not_vouch_for",
        ),
    ),
)

REPORTS: Final = (
    Row(
        "a report has to be understood by people and by programs",
        "null reverse-path, three parts, all fields that RFC 3464 wants, Auto-Submitted",
        (
            "tests/mail/test_dsn.py::test_the_report_is_the_golden_file_to_the_octet",
            "tests/mail/test_dsn.py::test_the_report_is_a_lawful_message_of_three_parts",
            "tests/mail/test_dsn.py::test_a_program_finds_what_it_needs",
            "tests/mail/test_dsn.py::test_an_independent_bounce_parser_understands_it",
        ),
    ),
    Row(
        "a report that cannot be delivered",
        "vanishes after a line in the log: nobody is told of a report",
        (
            "tests/mail/test_dsn.py::test_nobody_is_ever_told_about_a_report",
            "tests/delivery/test_sender.py::test_the_null_sender_gets_no_report",
        ),
    ),
    Row(
        "senders that are forged",
        "what can be known is refused inside the session; the rest is limited to a rate, and can be switched off",
        (
            "tests/delivery/test_reporting.py::test_many_reports_to_one_sender_leave_one_after_the_other",
            "tests/delivery/test_reporting.py::test_each_kind_of_report_can_be_switched_off",
        ),
    ),
    Row(
        "NOTIFY, RET, ENVID, ORCPT and BY",
        "obeyed here, and passed on to a host that knows them; NEVER means never (RFC 3461, RFC 2852)",
        (
            "tests/mail/test_dsn.py::test_notify_decides_and_never_means_never",
            "tests/mail/test_dsn.py::test_how_much_comes_back",
            "tests/mail/test_dsn.py::test_what_the_sender_asked_to_be_called_is_said_again",
            "tests/delivery/test_reporting.py::test_a_host_that_makes_reports_itself_is_told_all_wishes_and_we_are_silent",
            "tests/delivery/test_reporting.py::test_who_gave_a_time_hears_who_has_the_message",
            "tests/delivery/test_reporting.py::test_that_the_time_is_over_is_told_whether_or_not_delays_are_asked_for",
            "tests/process/test_reports.py::test_postfix_is_told_what_the_sender_wants_to_hear_and_says_it",
        ),
    ),
    Row(
        "large messages",
        "their reports return the header only",
        (
            "tests/delivery/test_reporting.py::test_of_a_large_message_only_the_header_comes_back",
            "tests/mail/test_dsn.py::test_an_endless_header_section_is_cut_at_the_end_of_a_line",
        ),
    ),
    Row(
        "a crash at any moment around a failure",
        "one report for each recipient and failure, and never a second one",
        (
            "tests/sim/test_reports.py::test_wherever_a_life_is_cut_short_nobody_hears_of_anything_twice",
            "tests/sim/test_reports.py::test_of_a_delay_the_sender_hears_once_and_at_its_time",
            "tests/mail/test_dsn.py::test_the_same_failure_makes_the_same_report",
        ),
    ),
    Row(
        "recipients whose addresses are UTF-8",
        "named as they are, or in ASCII where the sender cannot take that (RFC 6533)",
        (
            "tests/mail/test_dsn.py::test_an_international_recipient_is_named_as_it_is",
            "tests/mail/test_dsn.py::test_without_smtputf8_an_international_recipient_is_written_in_ascii",
            "tests/mail/test_dsn.py::test_an_international_sender_is_written_to_in_utf8",
        ),
    ),
)
