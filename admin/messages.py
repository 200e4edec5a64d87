"""Errors of core in the language of the person: known codes have a sentence here, others keep core's own."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from webchatagent.core.errors import WebChatAgentError

SENTENCES: dict[str, Any] = {
    "file_too_large": _("This file is larger than 50 MB. Please split it."),
    "slug_taken": _("This name is taken. Please choose another."),
    "password_weak": _("Please choose a longer password: at least 12 characters, and not a usual one."),
    "source_not_found": _("This source is gone already."),
    "bot_not_found": _("There is no such bot."),
    "model_not_offered": _("This model is not switched on here. Please choose another, or switch its plugin on."),
    "model_outside": _("This model works outside of where questions may go."),
    "model_twice": _("Please name each model once."),
    "temperature_high": _("This is hotter than one of the chosen models can do."),
    "tokens_high": _("This is longer than one of the chosen models can do."),
    "version_not_found": _("There is no such version."),
    "version_passed": _("Somebody else changed this bot meanwhile. Please look at the newest version first."),
    "plan_limit": _("Your plan has no room for more of this. Choose a larger one under Plan, or delete something."),
    "plan_locked": _("There is no paid plan at the moment: everything can be read, nothing changed. See Plan."),
    "billing_off": _("Nothing can be bought here yet. Please ask the people who run this server."),
    "price_unknown": _("This price is not sold any more. Please reload the page."),
    "currency_other": _("Your plan is paid in another currency. End it first, and choose the other one then."),
    "payment_refused": _("The payment was refused. Please choose another way to pay."),
    "stripe_refused": _("Stripe did not accept this. Please reload the page and try again."),
    "stripe_key": _("Stripe does not take the key. Please ask the people who run this server."),
    "quota_exceeded": _("The limit of this bot or of the workspace is reached."),
    "message_not_found": _("There is no such answer, or its conversation is not to be used."),
    "conversation_not_found": _("There is no such conversation."),
    "settings_wrong": _("Please check the settings. One of them is not possible."),
    "member_already": _("This person is a member already."),
    "member_not_found": _("There is no such member."),
    "invitation_not_found": _("This invitation has ended already."),
    "too_many_invitations": _("There are too many open invitations. Please withdraw some first."),
    "last_owner": _("A workspace needs an owner. Please hand it over to somebody, or close it."),
    "tenant_closed": _("This workspace is closed."),
    "tenant_erasing": _("The time to undo it is over. The workspace is being deleted."),
    "operator_tenant": _("This is the workspace of the people who run this server."),
    "notice_half": _("Please write a subject and a text, in one language at least."),
    "notice_sent": _("This notice was sent already."),
    "notice_not_found": _("There is no such notice."),
    "request_not_found": _("There is no such request."),
    "request_done": _("This request is done already."),
    "proof_missing": _("Please say where the mail is kept."),
    "window_closed": _("The person wrote too long ago, so they cannot be written to now."),
    "optin_missing": _("There is no opt-in of this person on record. Please say where their consent is kept."),
    "optin_withdrawn": _("This person does not want messages."),
    "template_not_approved": _("Meta has not approved this template in this language."),
    "answer_wrong": _("Please write 1 to 4000 characters."),
    "attachment_not_found": _("There is no such file."),
    "date_wrong": _("It cannot have come later than now."),
    "consent_not_found": _("No consent of this person is in force here."),
    "own_account": _("Your own account is deleted under Your account."),
    "recipient_not_found": _("There is no such recipient."),
    "recipient_wrong": _("Please check this field."),
    "reason_missing": _("Please say why, in a sentence."),
    "minutes_wrong": _("Please choose how long."),
    "link_over": _("This link has ended, or was used already. Please ask for a new one."),
    "account_not_found": _("There is no such account."),
    "account_exists": _("There is an account with this address already. Please sign in."),
    "email_wrong": _("Please enter an e-mail address such as name@example.org."),
    "mail_not_found": _("There is no such mail."),
    "plugin_not_found": _("There is no such plugin."),
    "operator_switched": _("The people who run this server switch it, for all workspaces."),
    "contact_not_found": _("There is no such contact."),
    "registration_closed": _("Registration is closed here. Please ask the people who run this server."),
    "name_missing": _("Please enter a name."),
    "retention_wrong": _("Please enter a number from 0 to 3650."),
    "reader_off": _("Please switch on the plugin that reads websites first."),
    "fetch_refused": _("This address is not a public one."),
    "fetch_failed": _("The page did not answer. Please check the address."),
    "fetch_timeout": _("The page did not answer in time."),
    "fetch_no_host": _("There is no such website. Please check the address."),
    "fetch_tls": _("The website has no valid certificate."),
    "fetch_too_large": _("The page is too large to be read."),
    "egress_refused": _("The people who run this server do not allow calls to it."),
    "public_url_missing": _(
        "This server does not know its own address, so it cannot send links. Please tell the people who run it."
    ),
    "login_over": _("This sign-in took too long, or was begun elsewhere. Please try again."),
    "login_cancelled": _("You did not allow the sign-in. You can try again, or use your password."),
    "login_odd": _("The answer of the provider was not valid. Please try again, or use your password."),
    "login_setup": _("The provider does not accept this server. Please tell the people who run it."),
    "login_unreachable": _("The provider does not answer. Please try again later, or use your password."),
    "login_unverified": _(
        "The provider has not verified your e-mail address. Please verify it there, or use your password."
    ),
    "login_taken": _("This sign-in is linked already. Please unlink it first."),
    "key_not_found": _("There is no such key."),
    "no_space": _("The server has no space left. Please tell the people who run it."),
    "try_again": _("This did not work right now. Please try again in a moment."),
    "address_wrong": _("Please enter a web address such as https://www.example.org."),
    "embedder_not_found": _("This embedding model is not offered any more. Please switch on its plugin."),
    "embedder_forbidden": _("A bot's rule of residency does not allow this embedding model."),
    "embedder_in_use": _("This embedding model is in use already."),
    "no_switch": _("Nothing is being prepared."),
    "nothing_kept": _("There is no embedding model to go back to."),
    "nothing_reads": _("Nothing that is switched on can read this. Please switch on the plugin for it."),
}

OF_FAB = (_("This field is required."), _("Already exists."))
"""Sentences that Flask-AppBuilder and WTForms may say, so that the catalogues hold them."""


def explain(error: WebChatAgentError) -> str:
    """The sentence for a person."""
    known = SENTENCES.get(error.code)
    return str(known) if known is not None else gettext(str(error))
