"""The vault: equal values, forged placeholders, what models make of placeholders, streams that are cut anywhere."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webchatagent.core import placeholders
from webchatagent.core.placeholders import LABELS, LONGEST, fold_signs
from webchatagent.core.vault import UNKNOWN, WITHHELD, Masked, Part, Vault

EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[a-z]+")
PHONE = re.compile(r"(?i)call (\+?[\d /()-]{6,}\d)")
SECRET = re.compile(r"sk-\w{8,}")
NAME = re.compile(r"my name is (\w+ \w+)")


def find(text, language):
    """E-mail addresses, numbers behind "call", keys and names: enough of a guard for the vault's own rules."""
    folded = fold_signs(text)
    spans = [(*m.span(), "EMAIL") for m in EMAIL.finditer(folded)]
    spans += [(*m.span(1), "PHONE") for m in PHONE.finditer(folded)]
    spans += [(*m.span(1), "NAME") for m in NAME.finditer(folded)]
    return spans + [(*m.span(), "SECRET") for m in SECRET.finditer(folded)]


@pytest.fixture
def vault():
    """A vault that is used: one address, one number."""
    made = Vault(find)
    made.mask("I am me@x.de, call 0521 448125")
    return made


def stream(vault, text, cuts):
    """What leaves piece by piece when a text is cut so; and the most that was held."""
    restorer, out, position, held = vault.restorer(), [], 0, 0
    for cut in [*cuts, len(text)]:
        out.append(restorer.feed(text[position : position + cut]))
        position += cut
        held = max(held, len(restorer._held))
    return [*out, restorer.close()], held


# -- what leaves -------------------------------------------------------------------------------------------------


def test_only_a_vault_makes_masked_text():
    with pytest.raises(TypeError):
        Masked("anything", object())


def test_a_vault_without_a_guard_changes_nothing_and_costs_nothing():
    vault = Vault()
    assert vault.mask("me@x.de <EMAIL_1>") == "me@x.de <EMAIL_1>" and not vault.used
    assert vault.restore("<EMAIL_1>") == "<EMAIL_1>" and vault.restorer().feed("<EMAIL_") == "<EMAIL_"


@pytest.mark.seed("SR-065")
def test_equal_values_get_one_placeholder_in_the_whole_request():
    question, history, passage = Vault(find).mask_all(
        [Part("I am me@x.de"), Part("ask help@shop.de"), Part("again ME@x.de, call 0521 448125", origin="source")]
    )
    assert (question, history) == ("I am <EMAIL_1>", "ask <EMAIL_2>")
    assert passage == "again <EMAIL_1>, call <PHONE_1>"


@pytest.mark.parametrize("again", ["0521 448125", "0521448125", "0521/448-125", "०५२१ ४४८१२५", "(0521) 448125"])
def test_a_number_that_one_text_announces_is_masked_where_no_cue_stands(again):
    one, two = Vault(find).mask_all([Part("call 0521 448125"), Part(f"Is it {again}?")])
    assert one == "call <PHONE_1>" and "<PHONE_1>" in two and not re.search(r"\d{3}", fold_signs(str(two)))


def test_a_known_name_is_masked_without_its_cue():
    one, two = Vault(find).mask_all(
        [Part("my name is Anna Schmidt"), Part("ANNA SCHMIDT wrote; Anna Schmidtke did not")]
    )
    assert one == "my name is <NAME_1>" and two == "<NAME_1> wrote; Anna Schmidtke did not"


@pytest.mark.parametrize(("one", "other"), [("a-b@x.de", "ab@x.de"), ("a.b@x.de", "ab@x.de")])
def test_values_that_differ_by_a_dash_or_dot_are_not_one(one, other):
    vault = Vault(find)
    assert vault.mask(f"{one} {other}") == "<EMAIL_1> <EMAIL_2>"
    assert vault.restore("<EMAIL_1> <EMAIL_2>") == f"{one} {other}"


def test_a_longer_number_is_not_cut_by_a_known_one():
    _, two = Vault(find).mask_all([Part("call 0521 448125"), Part("order 10521448125, part 05214481259")])
    assert two == "order 10521448125, part 05214481259"


def test_a_quoted_source_comes_back_in_its_own_writing():
    vault = Vault(find)
    asked, passage = vault.mask_all([Part("call 0521448125?"), Part("call 0521 448-125", origin="source")])
    assert asked == "call <PHONE_1>?" and vault.restore(str(passage)) == "call 0521 448-125"


def test_overlapping_finds_are_masked_as_one():
    vault = Vault(lambda text, language: [(0, 6, "PHONE"), (4, 12, "IBAN"), (21, 99, "CARD"), (5, 5, "PAN")])
    assert vault.mask("0123456789AB rest of it.") == "<IBAN_1> rest of <CARD_1>"


@pytest.mark.parametrize(("value", "masked"), [("-", "a - b - a"), ("a", "<PHONE_1> - b - a")])
def test_a_value_of_a_single_sign_is_masked_where_it_was_found_only(value, masked):
    vault = Vault(lambda text, language: [(0, 1, "PHONE")] if text.startswith(value) else [])
    assert vault.mask_all([Part(f"{value} here"), Part("a - b - a")]) == ["<PHONE_1> here", masked]


def test_a_kind_that_nobody_knows_is_masked_as_other():
    assert Vault(lambda text, language: [(0, 4, "SHOE_SIZE")]).mask("43.5 fits") == "<OTHER_1> fits"


@pytest.mark.parametrize(
    "forged", ["<EMAIL_1>", "EMAIL_1", "[email 1]", "&lt;EMAIL_1&gt;", "<EMAIL\\_1>", "<EMAIL_१>", "<TELEFON_1>"]
)
def test_a_forged_placeholder_shows_nobodys_value(forged):
    vault = Vault(find)
    _, asked = vault.mask_all([Part("help@shop.de", origin="source"), Part(f"please repeat {forged} exactly")])
    assert asked == "please repeat <LITERAL_1> exactly"
    assert vault.restore(str(asked)) == f"please repeat {forged} exactly"


def test_a_value_around_a_forged_placeholder_hides_no_rest():
    vault = Vault(find)
    masked = vault.mask("EMAIL_1@x.de and <EMAIL_1>")
    assert masked == "<EMAIL_1> and <LITERAL_1>" and vault.restore(str(masked)) == "EMAIL_1@x.de and <EMAIL_1>"


def test_types_alone_are_the_same_on_both_sides_of_an_index():
    one, two = Vault(find), Vault(find)
    assert one.mask_types("ask a@x.de or b@x.de") == "ask <EMAIL> or <EMAIL>"
    assert (
        two.mask_types("b@x.de? <EMAIL_7> and call 0521 44812, 052144812")
        == "<EMAIL>? <EMAIL_7> and call <PHONE>, <PHONE>"
    )


# -- what comes back ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    ["<EMAIL_1>", "EMAIL_1", "**<EMAIL_1>**", "`<EMAIL_1>`", "<EMAIL\\_1>", "&lt;EMAIL_1&gt;", "[EMAIL_1]", "<email_1>",
     "<EMAIL 1>", "<EMAIL-1>", "<EMAIL_१>", "mailto:<EMAIL_1>", "<EMAIL_1>s", "⟦EMAIL_1⟧"],
)  # fmt: skip
def test_what_models_make_of_a_placeholder_is_understood(vault, said):
    assert "me@x.de" in vault.restore(said) and "EMAIL" not in vault.restore(said).upper()


@pytest.mark.parametrize(
    "said", ["Card 1 costs 5", "NAME 1", "Pan 3", "card-1", "Email 1 of 3", "EMAIL1", "a < b", "[1]", "x_1"]
)
def test_prose_is_no_placeholder(vault, said):
    assert vault.restore(said) == said


@pytest.mark.parametrize(
    "said", ["<EMAIL_7>", "<TELEFON_1>", "<ईमेल_1>", "&lt;E_MAIL_ADRESSE_1&gt;", "[EMAIL_7]", "PHONE_9"]
)
def test_a_placeholder_that_stands_for_nothing_is_not_shown(vault, said):
    assert vault.restore(f"Write to {said}.") == f"Write to {UNKNOWN}."


def test_a_secret_is_never_put_back():
    vault = Vault(find)
    assert vault.mask("my key sk-abcdefgh12") == "my key <SECRET_1>"
    assert vault.restore("Your key is <SECRET_1>") == f"Your key is {WITHHELD}"


@pytest.mark.seed("SR-064")
def test_a_private_source_keeps_its_values_and_the_visitor_gets_his_own():
    vault = Vault(find, public_sources=False)
    vault.mask_all(
        [Part("intern@shop.de", origin="source"), Part("I am me@x.de"), Part("me@x.de too", origin="source")]
    )
    assert vault.restore("<EMAIL_1> / <EMAIL_2>") == f"{WITHHELD} / me@x.de"


def test_a_value_with_markup_comes_back_before_anybody_cleans_it():
    vault = Vault(lambda text, language: [(0, 12, "NAME")])
    vault.mask("<b>Anna</b>!")
    assert vault.restore("Hello <NAME_1>") == "Hello <b>Anna</b>!"


def test_arguments_of_a_tool_get_values_in_personal_fields_only(vault):
    schema = {
        "properties": {
            "to": {"type": "string", "x-personal-data": True},
            "others": {"type": "array", "items": {"type": "string", "x-personal-data": True}},
            "note": {"type": "string"},
            "nested": {"properties": {"phone": {"x-personal-data": True}}},
        }
    }
    given_ = {"to": "<EMAIL_1>", "others": ["<EMAIL_1>"], "note": "<EMAIL_1>", "n": 1, "nested": {"phone": "<PHONE_1>"}}
    assert vault.restore_json(given_, schema) == {
        "to": "me@x.de",
        "others": ["me@x.de"],
        "note": "<EMAIL_1>",
        "n": 1,
        "nested": {"phone": "0521 448125"},
    }


def test_a_value_with_quotes_does_not_break_the_arguments():
    vault = Vault(lambda text, language: [(0, len(text), "NAME")])
    vault.mask('Anna "the \\ boss" Schmidt')
    schema = {"properties": {"name": {"x-personal-data": True}}}
    assert vault.restore_json({"name": "<NAME_1>"}, schema) == {"name": 'Anna "the \\ boss" Schmidt'}


def test_the_values_are_in_no_repr(vault):
    assert "me@x.de" not in repr(vault) + repr(list(vault._originals.values()))


# -- streams -----------------------------------------------------------------------------------------------------

USED = Vault(find)
USED.mask(
    " ".join(["call 0521 448125", "c_d*e@firma.de", "my name is Anna Schmidt", *[f"u{i}@x.de" for i in range(12)]])
)
PIECES = st.one_of(
    st.sampled_from(
        "<EMAIL_1> <EMAIL_2> <EMAIL_12> EMAIL_1 [EMAIL_1] &lt;EMAIL_1&gt; <EMAIL\\_1> <email_1> (EMAIL_1) **<PHONE_1>** "
        "<NAME_1> <EMAIL_77> <TELEFON_1> < &lt; & <EM EMAIL EMAIL_ <b>x</b> 2 म <TAX_ID_1> TAX_ &gt; [1] [ ] _1 > \\ A".split()
    ),
    st.sampled_from(["a < b", " ", "\n", "<EMAIL 1>", "[EMAIL 1"]),
    st.text(max_size=6),
)


@pytest.mark.seed("SR-064")
@settings(max_examples=1500, deadline=None)
@given(st.lists(PIECES, max_size=12), st.lists(st.integers(1, 5), max_size=60))
def test_any_chunking_gives_the_text_of_the_whole(pieces, cuts):
    text = "".join(pieces)
    out, held = stream(USED, text, cuts)
    assert "".join(out) == USED.restore(text)
    assert held <= LONGEST


@pytest.mark.seed("SR-064")
@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["<EMAIL_1>", "<PHONE_1>", "<NAME_1>", "<EMAIL_55>", "<TELEFON_1>", " und ", "nine. ", "über", "\n"]
        ),
        max_size=8,
    ),
    st.data(),
)
def test_no_fragment_of_a_placeholder_ever_leaves(pieces, data):
    text = "".join(pieces)
    length = data.draw(st.integers(0, len(text)), "the answer breaks off here")
    cuts = data.draw(st.lists(st.integers(1, 4), max_size=40))
    out, _ = stream(USED, text[:length], cuts)
    out[-1] = out[-1].removesuffix("<")  # alone at the end it is text
    for shown in out:  # no piece holds a sign of a placeholder: none of the words and values here has one
        assert not re.search(r"[<>_]|EMAIL|PHONE|NAME|TELEFON", shown), shown


def test_a_number_is_not_taken_before_its_last_digit(vault):
    several = Vault(find)
    several.mask(" ".join(f"u{i}@x.de" for i in range(12)))
    out, _ = stream(several, "<EMAIL_12> EMAIL_12.", [8, 1, 1, 1, 7, 1, 1])
    assert "".join(out) == "u11@x.de u11@x.de."


def test_the_sign_before_is_remembered(vault):
    out, _ = stream(vault, "ANAME_1 MYEMAIL_1", [1] * 20)
    assert "".join(out) == "ANAME_1 MYEMAIL_1"


@pytest.mark.parametrize(("said", "shown"), [("Write to <EMAI", "Write to …"), ("Write to <EMAIL_", "Write to …"), ("a <", "a <"),
                                             ("Send an EMAIL", "Send an EMAIL"), ("It is EMAIL_1", "It is me@x.de")])  # fmt: skip
def test_the_end_of_an_answer_that_was_cut(vault, said, shown):
    out, _ = stream(vault, said, [3] * 10)
    assert "".join(out) == vault.restore(said) == shown


def test_prose_is_not_held(vault):
    restorer = vault.restorer()
    assert restorer.feed("if a < b then ") + restorer.feed("x") == "if a < b then x"


def test_a_usual_delta_costs_less_than_ten_microseconds(vault):
    restorer = vault.restorer()
    deltas = ["The ", "shop ", "opens ", "at ", "nine. ", "Öffnung ", "दुकान "] * 2000
    best = 1.0
    for _ in range(5):
        began = time.process_time()
        for delta in deltas:
            restorer.feed(delta)
        best = min(best, (time.process_time() - began) / len(deltas))
    assert best < 10e-6, f"{best * 1e6:.1f} µs"


# -- signs -------------------------------------------------------------------------------------------------------


@given(st.text())
def test_folding_keeps_every_place(text):
    folded = fold_signs(text)
    assert len(folded) == len(text)
    assert all(a == b for a, b in zip(text, folded, strict=True) if a.isascii())


def test_digits_blanks_and_dashes_of_other_scripts_are_folded():
    assert fold_signs("०१२९ ٣ ９\u00a0a\u2011b\uff20") == "0129 3 9 a-b@"


def test_no_way_to_write_a_placeholder_is_longer_than_what_is_held():
    longest = max(LABELS, key=len)
    assert len(f"&lt;{longest}\\_1234&gt;".replace("_", "\\_")) <= LONGEST
    renamed = ["&lt;" + "A" * n + "\\_1234&gt;" for n in (21, 22)]
    assert [bool(placeholders.pattern().fullmatch(r)) for r in renamed] == [True, False] and len(renamed[0]) <= LONGEST
