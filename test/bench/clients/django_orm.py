"""Django's ORM"""

import os

import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {
        "ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"], "HOST": os.environ["PGHOST"],
        "PORT": os.environ["PGPORT"], "USER": os.environ["PGUSER"], "PASSWORD": os.environ["PGPASSWORD"]}},
    INSTALLED_APPS=["__main__"], USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.AutoField")
django.setup()

from django.db import models  # noqa: E402
from serve import serve  # noqa: E402


class User(models.Model):
    name = models.TextField()
    email = models.TextField()
    age = models.IntegerField(null=True)
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
    body = models.TextField()
    published = models.BooleanField()
    created_at = models.DateTimeField()

    class Meta:
        db_table = "posts"


class Comment(models.Model):
    post = models.ForeignKey(Post, models.CASCADE, related_name="comments")
    author = models.TextField()
    body = models.TextField()
    score = models.DecimalField(max_digits=8, decimal_places=2, null=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "comments"


def one(id):
    return User.objects.select_related("profile").get(id=id)


def page(after):
    return list(User.objects.filter(id__gt=after).order_by("id")
                .select_related("profile").prefetch_related("posts__comments")[:50])


def all(last):
    return list(User.objects.filter(id__lte=last).order_by("id").select_related("profile"))


serve({"one": one, "page": page, "all": all})
