"""The scorecard in words: stretches that judge nothing, a sign against the name, and a record that tells nothing."""

from reporting.localization import Words
from reporting.scorecard import Record, sentence

EN, ZH = Words("en"), Words("zh")
R2 = Record(54, 2, 2, 5.0, -7.5, 12.5, 6.0, 18.0, "too_few")
S3 = Record(39, 3, 1, -20.5, -0.1, -20.4, -26.0, -12.0, "too_few")
H1 = Record(800, 7, 63, 4.9, 4.6, 0.4, -2.3, 3.1, "nothing")


def test_two_stretches_judge_nothing_and_the_sign_is_said() -> None:
    text = sentence(EN, ("condition", "R2", "holds"), R2)
    assert text.startswith("It held in 2 separate stretches: the 30 days after were +5 % on average (−8 % otherwise).")
    assert "judge nothing" in text
    assert text.endswith("That is the opposite of what its name suggests.")
    assert "不足以评判" in sentence(ZH, ("condition", "R2", "holds"), R2)
    assert "相反" in sentence(ZH, ("condition", "R2", "holds"), R2)


def test_a_step_of_the_path_that_preceded_falls_says_so() -> None:
    assert "opposite" in sentence(EN, ("condition", "S3", "holds"), S3)


def test_a_record_that_tells_nothing_is_called_so() -> None:
    text = sentence(EN, ("condition", "H1", "holds"), H1)
    assert "On its own record this has not told good days from bad" in text
    assert "7 stretches, 63 windows" in text
    assert "7 段，63 个窗口" in sentence(ZH, ("condition", "H1", "holds"), H1)
    assert "opposite" not in text


def test_a_bucket_state_has_no_name_to_contradict() -> None:
    assert "opposite" not in sentence(EN, ("bucket", "macro", "bull"), S3)


def test_what_never_held_or_has_no_future_yet_is_said() -> None:
    assert "not held" in sentence(EN, ("condition", "H2", "holds"), None)
    nothing = Record(3, 1, 0, None, None, None, None, None, "too_few")
    assert "not known yet" in sentence(EN, ("condition", "H2", "holds"), nothing)
