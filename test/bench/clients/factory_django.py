"""Django's bulk_create: as many users as the argument says, with a profile and five posts each.

Django has no factories; values are made by hand, of words of no meaning.  Prints the milliseconds that it took."""

import datetime
import os
import random
import sys
import time

import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {
        "ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"], "HOST": os.environ["PGHOST"],
        "PORT": os.environ["PGPORT"], "USER": os.environ["PGUSER"], "PASSWORD": os.environ.get("PGPASSWORD", ""),
        "OPTIONS": {"options": "-c search_path=bench"}}},
    INSTALLED_APPS=["__main__"], USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.AutoField")
django.setup()

from django.db import models, transaction  # noqa: E402


class User(models.Model):
    name = models.TextField()
    email = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        db_table = "users"


class Profile(models.Model):
    user = models.OneToOneField(User, models.CASCADE, related_name="profile")
    bio = models.TextField(null=True)
    city = models.TextField(null=True)

    class Meta:
        db_table = "profiles"


class Post(models.Model):
    user = models.ForeignKey(User, models.CASCADE, related_name="posts")
    title = models.TextField()
    views = models.IntegerField()
    published_on = models.DateField(null=True)

    class Meta:
        db_table = "posts"


WORDS = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore".split()


def words(n):
    return " ".join(random.choices(WORDS, k=n))


now = datetime.datetime.now(datetime.timezone.utc)
start = time.perf_counter()
with transaction.atomic():
    users = User.objects.bulk_create([
        User(name=words(2), email=f"{words(1)}.{words(1)}{i}@example.com", created_at=now) for i in range(int(sys.argv[1]))],
        batch_size=1000)
    Profile.objects.bulk_create([Profile(user=user, bio=words(33), city=words(1)) for user in users], batch_size=1000)
    Post.objects.bulk_create([
        Post(user=user, title=words(4), views=random.randrange(10000), published_on=now.date()) for user in users for _ in range(5)],
        batch_size=1000)
print((time.perf_counter() - start) * 1000)
